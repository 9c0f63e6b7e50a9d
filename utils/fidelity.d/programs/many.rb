require 'open3'
require 'timeout'
puts (1..20).map { |n| Thread.new { (1..1000).sum * n } }.sum(&:value)
puts Open3.capture3('tr a-z A-Z', stdin_data: 'through').inspect.sub(/pid \d+/, 'pid N')
pid = fork { trap('TERM') { exit 3 }; STDOUT.flush; sleep }
sleep 0.3
Process.kill('TERM', pid)
puts Process.wait2(pid)[1].exitstatus
r, w = IO.pipe
trap('USR1') { w.write 'u' }
Process.kill('USR1', $$)
puts r.read(1)
begin
  Timeout.timeout(0.2) { sleep }
rescue Timeout::Error
  puts 'timeout'
end
puts `exit 7`.inspect, $?.exitstatus
puts system('kill -KILL $$').inspect, $?.termsig
pids = 20.times.map { |n| fork { exit! n } }
puts pids.map { |p| Process.wait2(p)[1].exitstatus }.sum
begin
  Process.wait
rescue SystemCallError => e
  puts e.class
end
f = Fiber.new { 3.times { |n| Fiber.yield n } }
puts 3.times.map { f.resume }.inspect
GC.start
puts Process.clock_gettime(Process::CLOCK_MONOTONIC) > 0
at_exit { puts 'at exit' }
def deep(n) = deep(n + 1)
begin
  deep 0
rescue SystemStackError
  puts 'stack'
end
exit 8
