//! Three instances on one server: killed, with connections that are cut, while `cargo xtask crash` restarts the server.

#![cfg(test)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cloudauth_flow::testing::lives::{Acknowledged, Follower, Report, Server};
use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow_postgres::PostgresStore;
use cloudauth_flow_postgres::tokio_postgres::{Config, NoTls};
use cloudauth_protocol::UnixTime;

/// The instances that run at the same time.
const INSTANCES: u64 = 3;

/// Starts an instance. Each order is served by two of the three instances.
fn instance(number: u64, from: u64, to: u64, begin: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["serves_orders", "--exact", "--ignored", "--nocapture"])
        .env("INSTANCE", number.to_string())
        .env("FROM", from.to_string())
        .env("TO", to.to_string())
        .env("BEGIN", begin.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other test starts"]
async fn serves_orders() {
    // Ends the line that the harness has begun.
    println!();
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (instance, from, to, begin) = (number("INSTANCE"), number("FROM"), number("TO"), number("BEGIN"));
    let store = store().await;
    // Ten minutes pass in a second.
    let clock = || UnixTime::from_millis(BEGIN.as_millis() + 600 * millis().saturating_sub(begin));
    let report = |report: Report| writeln!(std::io::stdout(), "{report}").unwrap();
    let server = Server {
        store: &store,
        clock: &clock,
        pause: &|| Box::pin(tokio::time::sleep(Duration::from_millis(5))),
        report: &report,
    };
    let orders = |lane: u64| {
        (from..to).filter(move |order| order % INSTANCES != instance && order / INSTANCES % 4 == lane)
    };
    let lanes = tokio::join!(
        server.serve(orders(0)),
        server.serve(orders(1)),
        server.serve(orders(2)),
        server.serve(orders(3))
    );
    assert!(lanes.0.is_ok() && lanes.1.is_ok() && lanes.2.is_ok() && lanes.3.is_ok(), "{lanes:?}");
}

fn address() -> Config {
    let address = std::env::var("CLOUDAUTH_POSTGRES").expect("`cargo xtask crash` starts the server");
    address.parse().unwrap()
}

/// Opens the store; the server may be restarting.
async fn store() -> PostgresStore {
    loop {
        if let Ok(store) = PostgresStore::open(address()).await {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn millis() -> u64 {
    u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// The reports of an instance.
fn reports(child: &mut Child) -> Receiver<Report> {
    let (sender, receiver) = channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    thread::spawn(move || {
        for report in lines.map_while(Result::ok).filter_map(|line| line.parse().ok()) {
            sender.send(report).unwrap();
        }
    });
    receiver
}

/// Cuts half of the connections of the instances.
async fn cut_connections() {
    let Ok((client, connection)) = address().connect(NoTls).await else { return };
    tokio::spawn(connection);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'cloudauth-flow' AND pid % 2 = 0";
    // The server may be restarting.
    drop(client.query(cut, &[]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo xtask crash"]
async fn instances_that_are_killed_leave_nothing_stuck_decided_twice_or_lost() {
    let setting = |name, usual| std::env::var(name).map_or(usual, |value| value.parse().unwrap());
    let (kills, orders): (u64, u64) = (setting("CLOUDAUTH_KILLS", 30), setting("CLOUDAUTH_ORDERS", 300));
    let begin = millis();
    let (mut seen, mut follower) = (Acknowledged::default(), Follower::default());
    let reader = store().await;
    let start = |number, from| {
        let mut child = instance(number, from, orders, begin);
        let reports = reports(&mut child);
        (child, reports)
    };
    let mut instances: Vec<_> = (0..INSTANCES).map(|number| start(number, 0)).collect();
    let (mut random, mut killed) = (1_u64, 0);
    let started = Instant::now();
    loop {
        let mut ended = 0;
        for (child, reports) in &mut instances {
            let is_over = child.try_wait().unwrap().is_some();
            reports.try_iter().for_each(|report| seen.note(report));
            ended += u64::from(is_over);
        }
        if ended == INSTANCES {
            break;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(20 + (random >> 33) % 60)).await;
        if killed < kills {
            let number = (random >> 20) % INSTANCES;
            let (child, _) = &mut instances[usize::try_from(number).unwrap()];
            killed += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
            // Its last reports are read before it is replaced.
            let (child, reports) = start(number, seen.next());
            let old = std::mem::replace(&mut instances[usize::try_from(number).unwrap()], (child, reports));
            old.1.into_iter().for_each(|report| seen.note(report));
            if killed % 10 == 0 {
                cut_connections().await;
            }
        }
        // The server may be restarting.
        drop(follower.follow(&reader).await);
    }
    for (child, _) in &mut instances {
        assert!(child.wait().unwrap().success());
    }
    let problems = loop {
        match follower.check(&reader, 0..orders, &seen).await {
            Ok(problems) => break problems,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(killed >= kills * 9 / 10, "{killed} of {kills} instances were killed at work");
    println!("{killed} instances were killed over {orders} verifications in {:?}", started.elapsed());
}
