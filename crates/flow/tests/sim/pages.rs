//! Start pages: browsers that come concurrently, again, late or never.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{
    CapabilityHash, Flow, FlowError, PAGE_LIFETIME, PageRefusal, PageRequest, Pages as _, Refusal,
    SealingKeys, StartPage,
};
use cloudauth_protocol::UnixTime;
use pollster::block_on;
use sha2::{Digest as _, Sha256};

use crate::faulty::Faulty;
use crate::world::{below, now};
use crate::{Link, new, order_ref, person};

/// The pages of a simulation.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When each page was kept at the latest, and its order.
    begun: BTreeMap<String, (UnixTime, u64)>,
    /// The link that each page led to.
    links: BTreeMap<String, String>,
    complaints: Vec<String>,
}

pub(crate) fn settings() -> StartPage {
    StartPage::new("https://shop.example/start", SealingKeys::new(&[3; 32]).unwrap()).unwrap()
}

pub(crate) async fn begin(flow: &Flow<Faulty>, order: u64, key: u64, number: u64, seen: &Mutex<Seen>) {
    if let Ok(url) = flow.begin(new(order, key), &person(number)).await {
        let (_, capability) = url.expose().rsplit_once('/').unwrap();
        seen.lock().unwrap().begun.insert(capability.to_owned(), (now(), order));
    }
}

pub(crate) fn pick(seen: &Mutex<Seen>) -> Option<String> {
    let begun = &seen.lock().unwrap().begun;
    let at = below(begun.len().max(1) as u64);
    begun.keys().nth(usize::try_from(at).unwrap()).cloned()
}

/// The service cancels an order, also before a browser came.
pub(crate) async fn cancel(flow: &Flow<Faulty>, order: u64, seen: &Mutex<Seen>) {
    let begun = seen.lock().unwrap().begun.clone();
    let result = flow.cancel(&order_ref(order)).await;
    if matches!(result, Ok(_) | Err(FlowError::Refused(Refusal::NotFound))) {
        let pages = begun.iter().filter(|(_, (_, of))| *of == order);
        let pages = pages.map(|(page, _)| CapabilityHash::new(Sha256::digest(page).into()));
        flow.store().canceled.lock().unwrap().extend(pages);
    }
}

/// A browser posts the page.
pub(crate) async fn post(
    flow: &Flow<Faulty>,
    capability: String,
    seen: &Mutex<Seen>,
    links: &Mutex<Vec<Link>>,
) {
    let came = now();
    let hash = CapabilityHash::new(Sha256::digest(&capability).into());
    let is_canceled = flow.store().canceled.lock().unwrap().contains(&hash);
    let body = b"meta_info=%7B%7D";
    let request =
        PageRequest { method: "POST", capability: &capability, origin: None, accept_language: None, body };
    let response = flow.serve(&request).await;
    let location = response.headers.iter().find(|(name, _)| *name == "location");
    let Some((_, link)) = location else { return };
    let order_no = link.strip_prefix("https://t.aliyun.com/").unwrap().to_owned();
    let mut seen = seen.lock().unwrap();
    let (begun, order) = seen.begun[&capability];
    let first = seen.links.entry(capability.clone()).or_insert_with(|| link.clone()).clone();
    if is_canceled {
        seen.complaints.push(format!("the page of order {order} led to a link after the cancellation"));
    }
    if first != *link {
        seen.complaints.push(format!("the page of order {order} led to two links"));
    }
    // The link is kept as long again.
    if came.since(begun) >= PAGE_LIFETIME * 2 {
        seen.complaints.push(format!("the page of order {order} was used too late"));
    }
    let mut links = links.lock().unwrap();
    if !links.iter().any(|known| known.order_no == order_no) {
        links.push(Link { order, order_no, at: now() });
    }
}

/// At the end no page has anything sealed, and each is used, expired or unknown.
pub(crate) fn check(flow: &Flow<Faulty>, store: &MemoryStore, seen: &Seen) -> Result<usize, String> {
    if let Some(complaint) = seen.complaints.first() {
        return Err(complaint.clone());
    }
    if flow.store().is_started.load(Ordering::Relaxed) {
        return Err("a page started something after the cancellation".to_owned());
    }
    for capability in seen.begun.keys() {
        let found = block_on(flow.start_from_page(capability, &crate::meta_info()));
        match found {
            Err(FlowError::Page(PageRefusal::Used | PageRefusal::Expired | PageRefusal::Unknown)) => {}
            found => return Err(format!("a page is not over: {found:?}")),
        }
    }
    if block_on(store.erase_pages(now(), 99)).unwrap() > 0 {
        return Err("the sweeps left a page".to_owned());
    }
    Ok(seen.links.len())
}
