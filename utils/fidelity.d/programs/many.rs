use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::{env, fs, panic, thread};

fn threads() {
    let total = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = (0..32u64)
        .map(|n| {
            let total = total.clone();
            thread::Builder::new().stack_size(256 * 1024).spawn(move || {
                for k in 0..1000 { *total.lock().unwrap() += n * k; }
            }).unwrap()
        })
        .collect();
    for h in handles { h.join().unwrap(); }
    println!("threads {}", total.lock().unwrap());
    let (tx, rx) = mpsc::sync_channel(4);
    let makers: Vec<_> = (0..4).map(|n| { let tx = tx.clone(); thread::spawn(move || for k in 0..500 { tx.send(n * k).unwrap() }) }).collect();
    drop(tx);
    println!("channel {}", rx.iter().sum::<i32>());
    for m in makers { m.join().unwrap(); }
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    let t = thread::spawn(move || { *other.0.lock().unwrap() = true; other.1.notify_one(); });
    let mut ready = pair.0.lock().unwrap();
    while !*ready { ready = pair.1.wait(ready).unwrap(); }
    t.join().unwrap();
    println!("condition");
}

fn panics() {
    panic::set_hook(Box::new(|info| println!("hook: {}", info)));
    let caught = panic::catch_unwind(|| { let v: Vec<i32> = Vec::new(); v[3] });
    println!("caught {}", caught.is_err());
    let joined = thread::spawn(|| { if true { panic!("in a thread") } 5 }).join();
    println!("joined {}", joined.is_err());
    let mutex = Arc::new(Mutex::new(1));
    let m = mutex.clone();
    let _ = thread::spawn(move || { let _guard = m.lock().unwrap(); panic!("poison") }).join();
    println!("poisoned {}", mutex.is_poisoned());
}

fn commands() {
    let out = Command::new("echo").arg("hello").output().unwrap();
    println!("echo {:?} {}", out.status.code(), String::from_utf8_lossy(&out.stdout).trim());
    let mut child = Command::new("tr").args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"through a pipe").unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    println!("tr {} {:?}", text, child.wait().unwrap().code());
    println!("missing {:?}", Command::new("/nonexistent").spawn().map(|_| ()).map_err(|e| e.kind()));
    let status = Command::new("sh").args(["-c", "kill -KILL $$"]).status().unwrap();
    println!("killed {:?} {:?}", status.code(), status.signal());
    let status = Command::new("sh").args(["-c", "exit 7"]).env("A", "b").current_dir("/").status().unwrap();
    println!("exit {:?}", status.code());
    let workers: Vec<_> = (0..8).map(|n| thread::spawn(move ||
        (0..10).map(|k| Command::new("sh").args(["-c", &format!("exit {}", n + k)]).status().unwrap().code().unwrap()).sum::<i32>())).collect();
    println!("from threads {}", workers.into_iter().map(|w| w.join().unwrap()).sum::<i32>());
    let mut sleeper = Command::new("sleep").arg("100").spawn().unwrap();
    println!("running {:?}", sleeper.try_wait().unwrap().is_none());
    sleeper.kill().unwrap();
    println!("then {:?}", sleeper.wait().unwrap().signal());
}

fn main() {
    if env::args().nth(1).as_deref() == Some("overflow") {
        fn deep(n: u64) -> u64 { let a = [n; 512]; if n == u64::MAX { 0 } else { deep(n + 1) + a[(n % 512) as usize] } }
        println!("{}", deep(0));
    }
    if env::args().nth(1).as_deref() == Some("panic") { panic!("to the end"); }
    threads();
    panics();
    commands();
    let map: HashMap<i32, i32> = (0..1000).map(|n| (n, n * n)).collect();
    println!("map {}", map.values().sum::<i32>());
    fs::write("file", "text").unwrap();
    println!("file {}", fs::read_to_string("file").unwrap());
    std::process::exit(9);
}
