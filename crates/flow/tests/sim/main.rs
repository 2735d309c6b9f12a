//! Three orders, three workers, a store and a service that fail before and after each step, and a clock that jumps. The same seed
//! gives the same life; a seed that fails prints its script.

#![cfg(test)]

mod faulty;
mod vendor;
mod world;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::Client;
use cloudauth_flow::testing::{MemoryStore, join_all, samples};
use cloudauth_flow::{
    Cursor, DecidedBy, Flow, IdempotencyKey, NewVerification, OrderRef, Redaction, Review, ReviewReason,
    Reviewer, State, Store, verify_chain,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{
    CallbackKeys, CertName, CertNo, Credentials, Identity, InitFaceVerify, MetaInfo, OuterOrderNo, ReturnUrl,
    SceneId, UnixTime,
};
use faulty::Faulty;
use pollster::block_on;
use vendor::Vendor;
use world::{below, calm, chance, later, now, set_now};

const SEEDS: u64 = 2_000;
const ACTIONS: usize = 40;

#[test]
fn verifications_survive_every_fault() {
    let halves = [0, 1].map(|half| std::thread::spawn(move || simulate_all((half..SEEDS).step_by(2))));
    let reached: BTreeSet<State> = halves.into_iter().flat_map(|half| half.join().unwrap()).collect();
    let ends = [State::Approved, State::Declined, State::Expired, State::Canceled];
    assert!(ends.iter().all(|end| reached.contains(end)), "{reached:?}");
}

fn simulate_all(seeds: impl Iterator<Item = u64>) -> BTreeSet<State> {
    let mut reached = BTreeSet::new();
    for seed in seeds {
        let mut script = Vec::new();
        match simulate(seed, &mut script) {
            Ok(states) => reached.extend(states),
            Err(problem) => panic!("seed {seed}: {problem}\n{}", script.join("\n")),
        }
    }
    reached
}

/// A link that a person got.
#[derive(Clone)]
struct Link {
    order: u64,
    order_no: String,
    capability: String,
    at: UnixTime,
}

type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn simulate(seed: u64, script: &mut Vec<String>) -> Result<BTreeSet<State>, String> {
    world::begin(seed);
    let store = Arc::new(MemoryStore::default());
    let vendor = Vendor { issued: Arc::default(), store: Arc::clone(&store) };
    let keys = || CallbackKeys::new(&[1; 32]).unwrap();
    let client = Client::builder(vendor.clone(), Credentials::new("testid", "testsecret").unwrap());
    let client = client.attempts(1).build();
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let flow = Flow::new(client, policy, keys(), Faulty(Arc::clone(&store)), samples::rules());
    let flow = flow.with_inputs(now, world::fill);
    let links: Mutex<Vec<Link>> = Mutex::default();
    let mut jumped = false;
    for _ in 0..ACTIONS {
        let mut tasks: Vec<Task<'_>> = Vec::new();
        let mut says = Vec::new();
        for _ in 0..=below(2) {
            let action = below(12);
            let link = pick(&links.lock().unwrap());
            says.push(format!("{action}"));
            match (action, link) {
                (0..=2, _) => tasks.push(Box::pin(start(&flow, below(3), below(3), &links))),
                (3, Some(link)) => finish(&vendor, &link),
                (4, Some(link)) => tasks.push(Box::pin(call_back(&flow, keys(), link))),
                (5, Some(link)) => tasks.push(Box::pin(come_back(&flow, link))),
                (6, Some(link)) => tasks.push(Box::pin(forge(&flow, link))),
                (7, _) => {
                    later(Duration::from_secs([1, 7, 61, 400, 2000][usize::try_from(below(5)).unwrap()]))
                }
                (8, _) if chance(10) => {
                    jumped = true;
                    let day = 86_400_000;
                    let at = now().as_millis();
                    set_now(UnixTime::from_millis(if chance(50) { at + day } else { at - day }));
                }
                (9, _) if chance(15) => tasks.push(Box::pin(end(&flow, below(3)))),
                _ => {}
            }
            tasks.push(Box::pin(async { drop(flow.sweep().await) }));
        }
        script.push(format!("at {}: actions {}", now().as_secs(), says.join(" and ")));
        block_on(join_all(tasks));
    }
    calm();
    settle(&flow)?;
    check(&flow, &store, &vendor, &links.lock().unwrap(), jumped)
}

fn pick(links: &[Link]) -> Option<Link> {
    (!links.is_empty()).then(|| links[usize::try_from(below(links.len() as u64)).unwrap()].clone())
}

async fn start(flow: &Flow<Faulty>, order: u64, key: u64, links: &Mutex<Vec<Link>>) {
    let sample = samples::start(order, 1).unwrap();
    let new = NewVerification {
        order: sample.order,
        subject: sample.subject,
        identity: sample.identity,
        scene: sample.scene,
        purpose: sample.purpose,
        key: IdempotencyKey::new(&format!("key-{key}")).unwrap(),
        consent: sample.consent,
    };
    let mut link = None;
    let result = flow
        .start(new, |ticket| {
            let (order_no, capability) = (ticket.order_no.to_string(), ticket.capability.expose().to_owned());
            link = Some(Link { order, order_no, capability, at: now() });
            let person = Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?);
            let back = ReturnUrl::new("https://shop.example/back")?;
            let meta_info = MetaInfo::new("{}")?;
            Ok(InitFaceVerify::new(ticket.scene, ticket.order_no.clone(), person, back, meta_info)
                .callback_token(ticket.token.clone()))
        })
        .await;
    if result.is_ok() {
        links.lock().unwrap().extend(link);
    }
}

/// The person films the face, while the link is valid.
fn finish(vendor: &Vendor, link: &Link) {
    if now().since(link.at) >= Duration::from_secs(1800) {
        return;
    }
    let mut issued = vendor.issued.lock().unwrap();
    let result = issued.results.get_mut(&format!("sha{}", link.order_no)).unwrap();
    let codes = ["200", "200", "204", "205", "201"];
    result.get_or_insert(codes[usize::try_from(below(5)).unwrap()]);
}

async fn call_back(flow: &Flow<Faulty>, keys: CallbackKeys, link: Link) {
    let order_no = OuterOrderNo::new(&link.order_no).unwrap();
    let token = keys.token(SceneId::new(1_000_000_006).unwrap(), &order_no);
    let query = format!("certifyId=sha{order_no}&passed=200&callbackToken={}", token.expose());
    drop(flow.callback(&link.order_no, &query).await);
}

async fn come_back(flow: &Flow<Faulty>, link: Link) {
    drop(flow.returned(&link.capability).await);
}

async fn forge(flow: &Flow<Faulty>, link: Link) {
    let query = format!("certifyId=sha{}&passed=200&callbackToken=forged", link.order_no);
    drop(flow.callback(&link.order_no, &query).await);
    drop(flow.callback("unknown", &query).await);
    drop(flow.returned("guessed").await);
}

/// A reviewer decides, or the service cancels, and erases.
async fn end(flow: &Flow<Faulty>, order: u64) {
    let order = order_ref(order);
    if let Ok(Some(found)) = flow.get(&order).await {
        let (reviewer, reason) = (Reviewer::new("r.lee").unwrap(), ReviewReason::new("seen").unwrap());
        let review = Review { reviewer, reason, approve: below(2) == 0, seen: found.head.n };
        drop(flow.review(&order, review).await);
        drop(flow.cancel(&order).await);
        if below(2) == 0 {
            drop(flow.redact(&order).await);
        }
    }
}

fn order_ref(order: u64) -> OrderRef {
    samples::start(order, 1).unwrap().order
}

/// Without faults, the sweeper alone brings everything to an end.
fn settle(flow: &Flow<Faulty>) -> Result<(), String> {
    for _ in 0..400 {
        later(Duration::from_secs(3_600));
        block_on(flow.sweep()).map_err(|error| error.to_string())?;
        let due = |order| block_on(flow.get(&order_ref(order))).ok().flatten().and_then(|found| found.due_at);
        if (0..3).all(|order| due(order).is_none()) {
            break;
        }
    }
    Ok(())
}

fn check(
    flow: &Flow<Faulty>,
    store: &MemoryStore,
    vendor: &Vendor,
    links: &[Link],
    jumped: bool,
) -> Result<BTreeSet<State>, String> {
    let issued = vendor.issued.lock().unwrap();
    if let Some(complaint) = issued.complaints.first() {
        return Err(complaint.clone());
    }
    let logged = block_on(store.events_after(Cursor::default(), 100_000)).unwrap();
    let mut states = BTreeSet::new();
    for order in 0..3 {
        let Some(found) = block_on(flow.get(&order_ref(order))).unwrap() else { continue };
        states.insert(found.state);
        if !found.state.is_final() && found.state != State::InReview {
            return Err(format!("order {order} is stuck: {:?}", found.state));
        }
        if found.redaction == Redaction::Requested {
            return Err(format!("order {order} waits for its deletion"));
        }
        let kept = |id: &str| found.redaction == Redaction::Done && !issued.deleted.contains(id);
        if found.attempts.iter().filter_map(|attempt| attempt.certify_id.as_ref()).any(|id| kept(id.as_str()))
        {
            return Err(format!("order {order} is redacted, and the service has its data"));
        }
        let events = block_on(store.history(&found.id)).unwrap();
        let head = verify_chain(&found.id, &events).map_err(|error| error.to_string())?;
        let own: Vec<_> = logged.iter().filter(|event| event.verification == found.id).collect();
        if head != found.head || own.iter().map(|event| &event.event).ne(&events) {
            return Err(format!("the events of order {order} are not those of its chain"));
        }
        let ends = ["approved", "declined", "expired", "canceled"];
        let ended = |kind: &str| ends.iter().any(|end| kind == format!("verification.{end}"));
        let decided = events.iter().filter(|event| ended(&event.kind)).count();
        if decided != usize::from(found.state.is_final()) {
            return Err(format!("order {order} ended {decided} times"));
        }
        let result = |attempt: &OuterOrderNo| issued.results.get(&format!("sha{attempt}")).copied().flatten();
        match (&found.decision, found.state) {
            (Some(DecidedBy::Policy { attempt, .. }), State::Approved) if result(attempt) != Some("200") => {
                return Err(format!("order {order} is approved without a pass"));
            }
            (None, State::Approved | State::Declined) => {
                return Err(format!("order {order} has no decision"));
            }
            _ => {}
        }
        let passed = links.iter().any(|link| {
            link.order == order && issued.results.get(&format!("sha{}", link.order_no)) == Some(&Some("200"))
        });
        if passed && found.state == State::Expired && !jumped {
            let kinds: Vec<_> = events
                .iter()
                .map(|event| format!("{} {} {}", event.at.as_secs(), event.kind, event.body))
                .collect();
            return Err(format!("order {order} expired, and a person passed:\n{}", kinds.join("\n")));
        }
        for link in links.iter().filter(|link| link.order == order) {
            let known = OuterOrderNo::new(&link.order_no).unwrap();
            if found.attempt(&known).is_none_or(|attempt| attempt.certify_id.is_none()) {
                return Err(format!("a link of order {order} has no CertifyId"));
            }
        }
    }
    Ok(states)
}
