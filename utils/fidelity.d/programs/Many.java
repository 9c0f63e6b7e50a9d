import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Many {
  static int depth;
  static void deep() { ++depth; deep(); }

  public static void main(String[] args) throws Exception {
    System.out.println("stream " + IntStream.range(0, 1000000).parallel().mapToLong(n -> n % 7).sum());
    ExecutorService pool = Executors.newFixedThreadPool(8);
    AtomicLong total = new AtomicLong();
    List<Future<Integer>> futures = new ArrayList<>();
    for (int n = 0; n < 100; ++n) {
      final int k = n;
      futures.add(pool.submit(() -> { total.addAndGet(k); return k * k; }));
    }
    int squares = 0;
    for (Future<Integer> f : futures) squares += f.get();
    pool.shutdown();
    System.out.println("pool " + squares + " " + total);
    int caught = 0;
    for (int n = 0; n < 200000; ++n) {
      String s = n % 10 == 0 ? null : "x";
      try { caught += s.length() - 1; } catch (NullPointerException e) { ++caught; }
    }
    System.out.println("null pointers " + caught);
    try { deep(); } catch (StackOverflowError e) { System.out.println("stack overflow " + (depth > 1000)); }
    List<byte[]> kept = new ArrayList<>();
    long allocated = 0;
    for (int n = 0; n < 20000; ++n) {
      byte[] block = new byte[16384];
      allocated += block.length;
      if (n % 1000 == 0) kept.add(block);
    }
    System.gc();
    System.out.println("garbage " + allocated + " " + kept.size());
    Process p = new ProcessBuilder("sh", "-c", "echo child; exit 5").redirectErrorStream(true).start();
    System.out.println("process " + new String(p.getInputStream().readAllBytes()).trim() + " " + p.waitFor());
    Path file = Files.createTempFile("many", ".txt");
    Files.writeString(file, "written");
    System.out.println("file " + Files.readString(file));
    Files.delete(file);
    Thread waiter = new Thread(() -> { try { Thread.sleep(100000); } catch (InterruptedException e) { System.out.println("interrupted"); } });
    waiter.start();
    waiter.interrupt();
    waiter.join();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
    System.exit(6);
  }
}
