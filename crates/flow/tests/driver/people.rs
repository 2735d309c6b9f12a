//! Whose verification it is, and which region knows it.

use std::sync::Arc;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{AttemptState, LookError, State};
use cloudauth_protocol::{Endpoint, Identity};
use pollster::block_on;

use crate::support::{Service, attempt, flow, flow_at, later, meta_info, new, other_person, person, refs};

/// Ended the attempt on the old code: the region was not stored, so that a restarted process asked the wrong one.
#[test]
fn a_restarted_process_looks_in_the_region_that_created_the_session() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let before = flow_at([Endpoint::cn_shanghai(), Endpoint::cn_beijing()], &service, Arc::clone(&store));
    service.opens();
    block_on(before.start(new(1), person(), meta_info())).unwrap();
    drop(before);
    let after = flow_at([Endpoint::cn_beijing(), Endpoint::cn_shanghai()], &service, store);
    later(31 * 60);
    service.finds("T", "200");
    block_on(after.sweep()).unwrap();
    assert_eq!(service.hosts(), ["cloudauth.cn-shanghai.aliyuncs.com"; 2]);
    assert_eq!(block_on(after.get(&new(1).order)).unwrap().unwrap().state, State::Approved);
}

#[test]
fn no_answer_of_another_region_ends_an_attempt() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let before = flow_at(Endpoint::cn_shanghai(), &service, Arc::clone(&store));
    service.opens();
    block_on(before.start(new(1), person(), meta_info())).unwrap();
    // The operator removed the region that knows the session.
    let after = flow_at(Endpoint::cn_beijing(), &service, store);
    for code in ["406", "424"] {
        later(31 * 60);
        service.refuses(code);
        block_on(after.sweep()).unwrap();
        let attempt = attempt(&after);
        assert_eq!(attempt.state, AttemptState::Open, "{code}");
        assert_eq!(attempt.last_look_error, LookError::new("other-region").ok(), "{code}");
    }
    // In its own region the same answer ends it.
    let own = flow_at(Endpoint::cn_shanghai(), &service, after.store().clone());
    later(31 * 60);
    service.refuses("406");
    block_on(own.sweep()).unwrap();
    assert_eq!(attempt(&own).state, AttemptState::Expired);
}

/// On the old code the caller chose the reference: with one for two people, the first one's face approved the second.
#[test]
fn the_reference_to_a_person_is_that_of_the_identity_that_is_sent() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    assert_eq!(attempt(&flow).identity, Some(refs().of(&person())));
    // The closure has the last word.
    let other = |init: cloudauth_protocol::InitFaceVerify| {
        let (scene, order_no) = (init.scene_id(), init.outer_order_no().clone());
        let back = init.return_url().clone();
        cloudauth_protocol::InitFaceVerify::new(scene, order_no, other_person(), back, meta_info())
    };
    service.opens();
    block_on(flow.start_with(new(2), person(), meta_info(), other)).unwrap();
    let found = block_on(flow.get(&new(1).order)).unwrap().unwrap();
    assert_eq!(found.attempts[1].identity, Some(refs().of(&other_person())));
    // The face of the first person.
    later(5);
    service.finds("T", "200");
    service.refuses("424");
    block_on(flow.sweep()).unwrap();
    let found = block_on(flow.get(&new(1).order)).unwrap().unwrap();
    assert_eq!((found.attempts[0].state, found.state), (AttemptState::Settled, State::Processing));
}

/// The second start was refused, so that the first link is still the current one.
#[test]
fn an_approval_names_the_identity_that_it_is_of() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    service.refuses("417");
    block_on(flow.start(new(2), other_person(), meta_info())).unwrap_err();
    let approves =
        |identity: &Identity| block_on(flow.get(&new(1).order)).unwrap().unwrap().approves(&refs(), identity);
    assert!(!approves(&person()), "there is no result yet");
    later(5);
    service.finds("T", "200");
    block_on(flow.sweep()).unwrap();
    assert_eq!(block_on(flow.get(&new(1).order)).unwrap().unwrap().state, State::Approved);
    assert!(approves(&person()) && !approves(&other_person()));
    block_on(flow.redact(&new(1).order)).unwrap();
    assert!(!approves(&person()), "the reference is erased");
}

#[test]
fn a_ciphertext_and_a_plain_identity_have_different_references() {
    let encrypted = Identity::sm2("AAAA", "BBBB").unwrap();
    let same = Identity::sm2("AAAA", "BBBB").unwrap();
    assert_eq!(refs().of(&encrypted), refs().of(&same));
    assert_ne!(refs().of(&encrypted), refs().identity(encrypted.name(), encrypted.number()));
    assert_ne!(refs().of(&encrypted), refs().of(&Identity::sm2("AAAA", "CCCC").unwrap()));
    assert_eq!(refs().of(&person()), refs().identity(person().name(), person().number()));
}
