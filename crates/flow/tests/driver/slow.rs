//! Calls that take long: what else goes on meanwhile.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::{Flow, State};
use cloudauth_protocol::Body;
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};
use pollster::block_on;

use crate::requests::new_verification;
use crate::support::{Counted, Service, flow_over, later, meta_info, order, person};

/// The service, whose first looks never end.
#[derive(Clone, Debug)]
struct Slow {
    service: Service,
    looks: u64,
    /// Longer pauses never end.
    longest: Duration,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        let body = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let is_slow = (0..self.looks).any(|number| body.contains(&format!("CertifyId=sha{number:028}")));
        if is_slow {
            self.service.notes(body);
            std::future::pending::<()>().await;
        }
        self.service.send(request, limits)
    }

    async fn sleep(&self, time: Duration) {
        if time > self.longest {
            std::future::pending::<()>().await;
        }
        self.service.sleep(time);
    }
}

/// A flow with so many open links, each due for a look. The first looks are slow, and the others find a result.
fn opened(links: u64, slow: u64) -> (Service, Flow<Counted>) {
    // The deadline of a call never comes.
    opened_pausing(Duration::from_secs(5), links, slow)
}

fn opened_pausing(longest: Duration, links: u64, slow: u64) -> (Service, Flow<Counted>) {
    let service = Service::default();
    let flow = flow_over(Slow { service: service.clone(), looks: slow, longest }, Counted::default());
    for number in 0..links {
        if number % 50 == 49 {
            later(1);
        }
        service.opens();
        block_on(flow.start(new_verification(number, 1), person(), meta_info())).unwrap();
    }
    later(5);
    (slow..links).for_each(|_| service.finds("T", "200"));
    (service, flow)
}

fn approved(flow: &Flow<Counted>, links: u64) -> usize {
    let state = |number| block_on(flow.get(&order(number).order)).unwrap().unwrap().state;
    (0..links).filter(|number| state(*number) == State::Approved).count()
}

#[test]
fn a_slow_look_holds_neither_the_others_nor_the_purge() {
    let (_, flow) = opened(30, 3);
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut sweep = pin!(flow.sweep());
        assert!(sweep.as_mut().poll(&mut context).is_pending());
        assert_eq!(flow.store().purges.load(Ordering::Relaxed), 1);
    }
    let (_, flow) = opened(30, 3);
    let mut run = pin!(flow.run(std::future::pending()));
    for _ in 0..5 {
        assert!(run.as_mut().poll(&mut context).is_pending());
        later(1);
    }
    assert_eq!(approved(&flow, 30), 27);
    assert!(flow.store().purges.load(Ordering::Relaxed) > 1);
}

/// A pause never ends here: the loop makes none while more may be due.
#[test]
fn a_look_that_fails_delays_no_other() {
    let (_, flow) = opened_pausing(Duration::ZERO, 41, 0);
    *flow.store().refuses.lock().unwrap() = Some(order(0).order);
    let mut context = Context::from_waker(Waker::noop());
    let mut run = pin!(flow.run(std::future::pending()));
    for _ in 0..5 {
        assert!(run.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(approved(&flow, 41), 40);
}

#[test]
fn sixty_looks_at_most_are_under_way() {
    let (service, flow) = opened(75, 75);
    let mut context = Context::from_waker(Waker::noop());
    let mut run = pin!(flow.run(std::future::pending()));
    for _ in 0..20 {
        assert!(run.as_mut().poll(&mut context).is_pending());
        later(1);
    }
    let looks = service.requests().iter().filter(|request| request.contains("DescribeFaceVerify")).count();
    assert_eq!(looks, 60);
    // The purge goes on.
    assert!(flow.store().purges.load(Ordering::Relaxed) > 5);
}

#[test]
fn a_shutdown_waits_for_what_is_under_way_and_begins_nothing() {
    let (service, flow) = opened(30, 1);
    let mut context = Context::from_waker(Waker::noop());
    let mut run = pin!(flow.run(std::future::ready(())));
    for _ in 0..5 {
        assert!(run.as_mut().poll(&mut context).is_pending());
        later(1);
    }
    let looks = service.requests().iter().filter(|request| request.contains("DescribeFaceVerify")).count();
    assert_eq!((looks, approved(&flow, 30)), (20, 19));
}
