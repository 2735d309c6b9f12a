//! Leases, clocks and outages: what one sweep must not do to another.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use cloudauth_flow::testing::samples;
use cloudauth_flow::{
    AttemptState, BlockingFlow, ClockAndRandom, Flow, FlowError, Lookup, Queue, Review, ReviewReason,
    Reviewer, State, Store,
};
use cloudauth_protocol::UnixTime;
use pollster::block_on;

use crate::support::{
    Counted, Service, WALL, attempt, flow, inputs, later, meta_info, new, order, patient_flow, person,
};

/// A fixed lease of 60 seconds would end before the calls of a client with a long deadline.
#[test]
fn leases_cover_the_calls_of_a_job() {
    for (deadline, lease) in [(25, 90), (50, 165), (3_600, 195)] {
        let service = Service::default();
        let flow = patient_flow(deadline, &service, Counted::default());
        service.opens();
        block_on(flow.start(new(1), person(), meta_info())).unwrap();
        let start = attempt(&flow).lease_until.since(samples::BEGIN);
        // And the clocks of the instances differ by up to a minute.
        assert_eq!(start, Duration::from_secs(deadline.min(60) + 15 + 60));
        block_on(flow.sweep()).unwrap();
        assert_eq!(*flow.store().leases.lock().unwrap(), [Duration::from_secs(lease); 2]);
    }
}

/// The old code left no time for the difference of the clocks: the attempt was orphaned during its call, and the link dropped.
#[test]
fn an_instance_whose_clock_is_ahead_ends_no_lease_during_the_call() {
    let service = Service::default();
    let store = Arc::new(Counted { hangs: true, ..Counted::default() });
    (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 1);
    let behind = flow(&service, Arc::clone(&store));
    let ahead = ClockAndRandom { wall: || UnixTime::from_millis(WALL.get() + 55_000), ..inputs() };
    let ahead = flow(&service, store).with_inputs(ahead);
    service.takes(24);
    service.opens();
    {
        let mut start = pin!(behind.start(new(1), person(), meta_info()));
        // The service has answered, and the store takes its time.
        assert!(start.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    later(14);
    assert_eq!(block_on(ahead.sweep()).unwrap(), 0);
    assert_eq!(attempt(&ahead).state, AttemptState::Reserved);
    block_on(behind.sweep()).unwrap();
    assert_eq!(attempt(&behind).state, AttemptState::Open);
}

/// Several links of one order, each due for a look.
fn links(service: &Service, flow: &Flow<Counted>, links: u8) {
    for attempt in 1..=links {
        service.opens();
        block_on(flow.start(new(attempt), person(), meta_info())).unwrap();
    }
    later(5);
}

/// The first commit ended the lease on the old code, while calls were to come.
#[test]
fn the_lease_ends_with_the_last_job_of_its_claim() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    links(&service, &flow, 3);
    flow.store().releases.lock().unwrap().clear();
    (0..3).for_each(|_| service.refuses("424"));
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
    assert_eq!(*flow.store().releases.lock().unwrap(), [false, false, true]);
}

/// The old code made a call that the lease did not cover, so that another worker made it too.
#[test]
fn a_call_that_may_outlast_the_lease_is_left_to_the_next_claim() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    links(&service, &flow, 3);
    service.takes(40);
    (0..2).for_each(|_| service.refuses("424"));
    block_on(flow.sweep()).unwrap();
    assert_eq!(service.requests().len(), 3 + 2);
    let stored = block_on(flow.store().load(Lookup::Order(&new(1).order))).unwrap().unwrap();
    assert_eq!(stored.lease_until, None);
    service.takes(0);
    (0..3).for_each(|_| service.refuses("424"));
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
    assert!(attempt(&flow).looks > 0);
    let looks = |flow: &Flow<Counted>| block_on(flow.get(&new(1).order)).unwrap().unwrap().attempts;
    assert!(looks(&flow).iter().all(|attempt| attempt.looks > 0));
}

/// The sweep ended with the error of the waiting commit on the old code.
#[test]
fn a_commit_that_waits_stops_no_sweep() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    service.opens();
    block_on(flow.start(order(2), person(), meta_info())).unwrap();
    *flow.store().refuses.lock().unwrap() = Some(new(1).order);
    service.opens();
    let started = block_on(flow.start(new(1), person(), meta_info()));
    assert!(matches!(started, Err(FlowError::Store(_))), "{started:?}");
    later(5);
    service.finds("T", "200");
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
    let state =
        |flow: &Flow<Counted>, number| block_on(flow.get(&order(number).order)).unwrap().unwrap().state;
    assert_eq!(state(&flow, 2), State::Approved);
    // The answer is committed when the store takes it again.
    *flow.store().refuses.lock().unwrap() = None;
    service.finds("T", "200");
    block_on(flow.sweep()).unwrap();
    assert!(attempt(&flow).certify_id.is_some());
}

#[test]
fn a_deletion_that_takes_for_ever_delays_no_result() {
    let service = Service::default();
    let store = Counted { hangs: true, no_claims: Some(Queue::Deletions), ..Counted::default() };
    let flow = flow(&service, store);
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    let mut run = pin!(flow.run(std::future::pending()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut context).is_pending());
    later(5);
    service.finds("T", "200");
    assert!(run.as_mut().poll(&mut context).is_pending());
    assert_eq!(block_on(flow.get(&new(1).order)).unwrap().unwrap().state, State::Approved);
}

/// The process worked with its own clock on the old code.
#[test]
fn a_clock_that_differs_from_the_stores_neither_starts_reviews_nor_sweeps() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    *flow.store().ahead.lock().unwrap() = Some(61);
    let start = block_on(flow.start(new(1), person(), meta_info()));
    let Err(FlowError::Clock(jump)) = start else { panic!("{start:?}") };
    assert_eq!((jump.is_ahead(), jump.by()), (false, Duration::from_secs(61)));
    assert_eq!(jump.to_string(), "the system's clock is behind the store's by 61 s: set it right");
    flow.trust_clock();
    assert!(matches!(block_on(flow.sweep()), Err(FlowError::Clock(_))));
    let (reviewer, reason) = (Reviewer::new("r.lee@example").unwrap(), ReviewReason::new("other").unwrap());
    let review = Review { reviewer, reason, approve: true, seen: 1 };
    let review = block_on(flow.review(&new(1).order, review));
    assert!(matches!(review, Err(FlowError::Clock(_))), "{review:?}");
    assert!(service.requests().is_empty());
    *flow.store().ahead.lock().unwrap() = Some(59);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    // It is compared again, but not with each call.
    *flow.store().ahead.lock().unwrap() = Some(61);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    later(10);
    assert!(matches!(block_on(flow.sweep()), Err(FlowError::Clock(_))));
}

/// On the old code a process that was suspended stopped until its restart.
#[test]
fn a_jump_to_the_time_of_the_store_is_accepted() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    *flow.store().ahead.lock().unwrap() = Some(0);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    WALL.set(WALL.get() + 86_400_000);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    // A clock that is wrong: that of the store did not jump.
    WALL.set(WALL.get() - 86_400_000);
    *flow.store().ahead.lock().unwrap() = Some(86_400);
    let result = block_on(flow.sweep());
    assert!(matches!(result, Err(FlowError::Clock(jump)) if !jump.is_ahead()), "{result:?}");
    WALL.set(WALL.get() + 86_400_000);
    *flow.store().ahead.lock().unwrap() = Some(0);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
}

/// The old code took the time of the query for a difference.
#[test]
fn a_slow_answer_of_the_stores_clock_is_no_difference() {
    let service = Service::default();
    let flow = flow(&service, Counted { clock_takes: 90, ..Counted::default() });
    *flow.store().ahead.lock().unwrap() = Some(0);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    later(10);
    *flow.store().ahead.lock().unwrap() = Some(400);
    assert!(matches!(block_on(flow.sweep()), Err(FlowError::Clock(jump)) if !jump.is_ahead()));
}

/// The old blocking loop tried again every second.
#[test]
fn the_pauses_of_a_blocking_loop_grow_while_the_store_is_away() {
    let service = Service::default();
    let flow =
        BlockingFlow::new(flow(&service, Counted { no_claims: Some(Queue::Results), ..Counted::default() }));
    let mut asked = 0;
    flow.run(|| {
        asked += 1;
        asked > 200
    });
    // It is asked every second.
    let sweeps = flow.inner().store().claims.load(Ordering::Relaxed);
    assert!((200 / 45..200 / 10).contains(&sweeps), "{sweeps} sweeps in 200 s");
}

#[test]
fn an_instance_waits_for_a_call_by_chance() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    let now = UnixTime::from_millis(WALL.get());
    block_on(flow.store().reserve_calls("InitFaceVerify", now, 50, 50)).unwrap();
    let busy = block_on(flow.start(new(1), person(), meta_info()));
    assert!(matches!(busy, Err(FlowError::Busy)), "{busy:?}");
    let slept = service.slept().as_millis();
    assert!((3_500..10_500).contains(&slept) && !slept.is_multiple_of(1_000), "{slept} ms");
}

#[test]
fn a_commit_of_unknown_outcome_is_made_once() {
    for is_answer in [false, true] {
        let service = Service::default();
        let flow = flow(&service, Counted::default());
        let lose = || {
            let counter = if is_answer { &flow.store().lost_answer } else { &flow.store().lost_commit };
            counter.store(1, Ordering::Relaxed);
            flow.store().releases.lock().unwrap().clear();
        };
        let commits = || flow.store().releases.lock().unwrap().len();
        // The commit of a start has events, by which it is found.
        lose();
        links(&service, &flow, 1);
        assert_eq!((service.requests().len(), commits()), (1, 2), "{is_answer}");
        // That of a look without a result has none.
        lose();
        service.refuses("424");
        assert_eq!(block_on(flow.sweep()).unwrap(), 1);
        assert_eq!((attempt(&flow).looks, commits()), (1, 1), "{is_answer}");
    }
}
