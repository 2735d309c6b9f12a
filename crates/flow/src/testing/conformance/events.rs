//! Events: complete, in order, and unchanged.

use super::support::{Check, begin, equal, get, open, reviewed_life, text};
use crate::join::{Boxed, join_all};
use crate::machine::event::verify_chain;
use crate::store::contract::{Cursor, LoggedEvent, Store};
use crate::testing::samples;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("the events of a life are kept byte by byte", |store| Box::pin(history(store))),
    ("the chains of several verifications hold", |store| Box::pin(chains(store))),
    ("a cursor pages through all events in order", |store| Box::pin(pages(store))),
    ("a reader misses nothing while others commit", |store| Box::pin(no_gap(store))),
];

async fn history(store: &dyn Store) -> Result<(), String> {
    let life = reviewed_life().map_err(text)?;
    let mut expected = Vec::new();
    for commit in &life {
        store.commit(commit).await.map_err(text)?;
        expected.extend_from_slice(commit.events());
    }
    let id = samples::start(1, 1).map_err(text)?.id;
    equal("events", store.history(&id).await.map_err(text)?, expected)
}

async fn chains(store: &dyn Store) -> Result<(), String> {
    for order in 1..6 {
        open(store, order).await?;
    }
    for order in 1..6 {
        let stored = get(store, order).await?;
        let id = stored.verification.id;
        let events = store.history(&id).await.map_err(text)?;
        equal("head", verify_chain(&id, &events).map_err(text)?, stored.verification.head)?;
    }
    Ok(())
}

/// Reads everything after a cursor, in pages.
async fn read(store: &dyn Store, mut cursor: Cursor, page: usize) -> Result<Vec<LoggedEvent>, String> {
    let mut all = Vec::new();
    loop {
        let events = store.events_after(cursor, page).await.map_err(text)?;
        if events.len() > page {
            return Err(format!("{} events, more than {page}", events.len()));
        }
        let Some(last) = events.last() else { return Ok(all) };
        if events.iter().any(|event| event.cursor <= cursor) {
            return Err("an event has a cursor that is not after the one given".to_owned());
        }
        cursor = last.cursor;
        all.extend(events);
    }
}

async fn pages(store: &dyn Store) -> Result<(), String> {
    equal("events of an empty store", read(store, Cursor::default(), 9).await?, Vec::new())?;
    for order in 1..6 {
        open(store, order).await?;
    }
    let all = read(store, Cursor::default(), 1000).await?;
    equal("number of events", all.len(), 5 * 4)?;
    equal("in pages of one", &read(store, Cursor::default(), 1).await?, &all)?;
    equal("in pages of three", &read(store, Cursor::default(), 3).await?, &all)?;
    for order in 1..6 {
        let start = samples::start(order, 1).map_err(text)?;
        let own: Vec<_> = all.iter().filter(|event| event.verification == start.id).collect();
        equal("order of an event", own.iter().all(|event| event.order == start.order), true)?;
        let events: Vec<_> = own.into_iter().map(|event| event.event.clone()).collect();
        equal("own events", events, store.history(&start.id).await.map_err(text)?)?;
    }
    Ok(())
}

async fn no_gap(store: &dyn Store) -> Result<(), String> {
    const ORDERS: u64 = 24;
    let reader = async {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        for _ in 0..ORDERS {
            let events = read(store, cursor, 2).await?;
            cursor = events.last().map_or(cursor, |event| event.cursor);
            seen.extend(events);
        }
        Ok((cursor, seen))
    };
    let writer = |order| async move { begin(store, order).await.map(|_| (Cursor::default(), Vec::new())) };
    let mut futures: Vec<Boxed<'_, Result<_, String>>> = vec![Box::pin(reader)];
    futures.extend((1..=ORDERS).map(|order| Box::pin(writer(order)) as Boxed<'_, _>));
    let mut results = join_all(futures).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (cursor, mut seen) = results.swap_remove(0);
    seen.extend(read(store, cursor, 1000).await?);
    equal("events that the reader saw", &seen, &read(store, Cursor::default(), 1000).await?)?;
    equal("number of events", seen.len() as u64, ORDERS * 3)
}
