//! The account's rate: who takes a call of it, and when.

use std::sync::Arc;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{AttemptState, FlowError, Store};
use cloudauth_protocol::UnixTime;
use pollster::block_on;

use crate::support::{Service, WALL, attempt, flow, later, left, meta_info, new, order, person, slow_flow};

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
