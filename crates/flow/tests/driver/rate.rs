//! The account's rate: who takes a call of it, and when.

use std::pin::Pin;
use std::sync::Arc;

use cloudauth_flow::testing::{MemoryStore, conformance, join_all};
use cloudauth_flow::{AttemptState, FlowError, Store};
use cloudauth_protocol::UnixTime;
use pollster::block_on;

use crate::support::{
    Counted, Service, WALL, attempt, flow, flow_of_rate, later, left, meta_info, new, order, person,
    slow_flow,
};

/// Each of them took a call on the old code.
#[test]
fn a_start_that_is_refused_or_repeated_takes_no_call_of_the_rate() {
    let service = Service::default();
    let flow = slow_flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    later(1);
    let repeated = block_on(flow.start(new(1), person(), meta_info()));
    assert!(matches!(repeated, Err(FlowError::AlreadyStarted)), "{repeated:?}");
    let mut other = new(2);
    other.subject = cloudauth_flow::SubjectRef::from_hmac([9; 32]);
    let refused = block_on(flow.start(other, person(), meta_info()));
    assert!(matches!(refused, Err(FlowError::Refused(_))), "{refused:?}");
    assert_eq!(left(&flow, "InitFaceVerify"), 2);
}

/// On the old code the look that got no call kept its lease for a minute.
#[test]
fn a_look_without_a_call_is_released_at_once() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let flow = flow(&service, Arc::clone(&store));
    for number in 1..=3 {
        service.opens();
        block_on(flow.start(order(number), person(), meta_info())).unwrap();
    }
    later(5);
    let now = UnixTime::from_millis(WALL.get());
    assert_eq!(block_on(store.reserve_calls("DescribeFaceVerify", now, 48, 50)).unwrap(), 48);
    service.refuses("424");
    service.refuses("424");
    assert_eq!(block_on(flow.sweep()).unwrap(), 2);
    later(1);
    service.refuses("424");
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
    assert_eq!(service.requests().len(), 3 + 3);
}

#[test]
fn repeated_requests_are_paid_by_later_grants() {
    let service = Service::default();
    let flow = slow_flow(&service, MemoryStore::default());
    service.rejects("ServiceUnavailable");
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    assert_eq!(service.requests().len(), 2);
    later(1);
    service.opens();
    block_on(flow.start(order(2), person(), meta_info())).unwrap();
    // One for the start, one for the repetition of the first one.
    assert_eq!(left(&flow, "InitFaceVerify"), 0);
    later(1);
    service.opens();
    block_on(flow.start(order(3), person(), meta_info())).unwrap();
    assert_eq!(left(&flow, "InitFaceVerify"), 1);
}

#[test]
fn the_further_calls_of_a_deletion_are_paid_by_later_grants() {
    let service = Service::default();
    let flow = slow_flow(&service, MemoryStore::default());
    for number in 1..=2 {
        service.opens();
        block_on(flow.start(order(number), person(), meta_info())).unwrap();
        block_on(flow.cancel(&order(number).order)).unwrap();
    }
    let result = |result: &str| format!(r#"{{"Code":"200","RequestId":"R-1","ResultObject":{{{result}}}}}"#);
    block_on(flow.redact(&order(1).order)).unwrap();
    service.answers(200, &result(r#""DeleteResult":"N","FailReason":"NEED_QUERY_VERIFY_RESULT""#));
    service.refuses("424");
    service.answers(200, &result(r#""DeleteResult":"Y""#));
    block_on(flow.sweep()).unwrap();
    assert!(attempt(&flow).deleted && attempt(&flow).state == AttemptState::Expired);
    later(1);
    block_on(flow.redact(&order(2).order)).unwrap();
    service.answers(200, &result(r#""DeleteResult":"Y""#));
    block_on(flow.sweep()).unwrap();
    assert_eq!(left(&flow, "DeleteFaceVerifyResult"), 0);
}

/// On the old code each of them paid the debt again, and nothing was left.
#[test]
fn concurrent_starts_pay_a_debt_once() {
    let service = Service::default();
    let flow = &flow_of_rate(6, &service, Counted { yields: true, ..Counted::default() });
    service.rejects("ServiceUnavailable");
    service.opens();
    block_on(flow.start(order(1), person(), meta_info())).unwrap();
    later(1);
    for id in 2..=4 {
        service.answers(
            200,
            &format!(
                r#"{{"Code":"200","RequestId":"R-1","ResultObject":{{
                "CertifyId":"shb{id:028}","CertifyUrl":"https://t.aliyun.com/x"}}}}"#
            ),
        );
    }
    let start = |number| -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { flow.start(order(number), person(), meta_info()).await.is_ok() })
    };
    assert_eq!(block_on(join_all((2..=4).map(start).collect())), [true; 3]);
    let now = UnixTime::from_millis(WALL.get());
    // Three starts, and the repetition of the first one.
    assert_eq!(block_on(flow.store().reserve_calls("InitFaceVerify", now, 9, 6)).unwrap(), 2);
}

/// The old checks took one right operation of twenty for a proof.
#[test]
fn a_store_that_sometimes_exceeds_the_limit_does_not_conform() {
    let racy = async || Counted { races: Some("Operation7"), ..Counted::default() };
    let failures = block_on(conformance::run(racy));
    for check in ["the calls of a second are shared", "concurrent reservations do not exceed the limit"] {
        assert!(failures.iter().any(|failure| failure.starts_with(check)), "{check}: {failures:#?}");
    }
}
