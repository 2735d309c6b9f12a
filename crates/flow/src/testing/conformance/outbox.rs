//! The outbox: deliveries in the transaction of their events, leases, ends.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use super::support::{Check, after, begin, equal, fails, machine, open, put, step, text};
use crate::machine::ids::EndpointId;
use crate::machine::input::Input;
use crate::store::contract::{Cursor, Queue, Store};
use crate::store::error::StoreErrorKind;
use crate::store::outbox::{Delivery, DeliveryEnd, Outbox};
use crate::testing::samples::BEGIN;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("each endpoint gets the events of verifications since it subscribed", |store| Box::pin(events(store))),
    ("a commit that fails delivers nothing", |store| Box::pin(failed(store))),
    ("a delivery is claimed once, and free after its lease", |store| Box::pin(leases(store))),
    ("only the last claim ends a delivery", |store| Box::pin(fences(store))),
    ("a delivery is retried at its time, then dead, then revived", |store| Box::pin(ends(store))),
    ("the longest due comes first, up to the limit", |store| Box::pin(limits(store))),
    ("a purge and an unsubscription delete deliveries", |store| Box::pin(deletes(store))),
];

const LEASE: Duration = Duration::from_secs(60);

fn outbox(store: &dyn Store) -> Result<&dyn Outbox, String> {
    store.outbox().ok_or_else(|| "the store has no outbox".to_owned())
}

fn endpoint(name: &str) -> Result<EndpointId, String> {
    EndpointId::new(name).map_err(text)
}

async fn claim(store: &dyn Store, name: &str, now: UnixTime) -> Result<Vec<Delivery>, String> {
    let claimed = outbox(store)?.claim_deliveries(&endpoint(name)?, now, LEASE, 99).await.map_err(text)?;
    equal("deliveries that became dead", claimed.dead, 0)?;
    Ok(claimed.deliveries)
}

async fn end(store: &dyn Store, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, String> {
    outbox(store)?.end_delivery(delivery, end).await.map_err(text)
}

async fn subscribe(store: &dyn Store, name: &str) -> Result<(), String> {
    outbox(store)?.subscribe(&endpoint(name)?).await.map_err(text)
}

/// A store with one delivery, claimed at the start.
async fn one(store: &dyn Store) -> Result<Delivery, String> {
    begin(store, 1).await?;
    subscribe(store, "crm").await?;
    put(store, 1, Input::Cancel, BEGIN).await?;
    let claimed = claim(store, "crm", BEGIN).await?;
    equal("deliveries", claimed.len(), 1)?;
    claimed.into_iter().next().ok_or_else(String::new)
}

async fn events(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    equal("deliveries without endpoints", claim(store, "crm", after(9)).await?.len(), 0)?;
    subscribe(store, "crm").await?;
    open(store, 2).await?;
    subscribe(store, "crm").await?;
    subscribe(store, "data").await?;
    put(store, 2, Input::Cancel, BEGIN).await?;
    let logged = store.events_after(Cursor::default(), 99).await.map_err(text)?;
    let of_second: Vec<_> = logged
        .into_iter()
        .filter(|logged| logged.order.as_str() == "order-2" && logged.event.kind.starts_with("verification."))
        .collect();
    let mut delivered: Vec<_> = claim(store, "crm", after(9)).await?.into_iter().map(|d| d.event).collect();
    delivered.sort_by_key(|logged| logged.cursor);
    equal("events of the first endpoint", &delivered, &of_second)?;
    let later = claim(store, "data", after(9)).await?;
    let kinds: Vec<&str> = later.iter().map(|delivery| &*delivery.event.event.kind).collect();
    equal("events of the second endpoint", kinds, vec!["verification.canceled"])
}

async fn failed(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    subscribe(store, "crm").await?;
    let (_, stale) = step(store, 1, Input::Cancel, BEGIN).await?;
    store.claim(Queue::Results, after(60), LEASE, 9).await.map_err(text)?;
    fails("commit", store.commit(&stale).await, StoreErrorKind::Conflict)?;
    equal("deliveries", claim(store, "crm", after(99)).await?.len(), 0)
}

async fn leases(store: &dyn Store) -> Result<(), String> {
    let first = one(store).await?;
    equal("attempt and fence", (first.attempt, first.fence), (1, 1))?;
    equal("claimed during the lease", claim(store, "crm", after(59)).await?.len(), 0)?;
    let again = claim(store, "crm", after(60)).await?;
    equal("event after the lease", again.first().map(|delivery| &delivery.event), Some(&first.event))?;
    equal("attempts after a claim without an end", again.first().map(|delivery| delivery.attempt), Some(1))
}

async fn fences(store: &dyn Store) -> Result<(), String> {
    let first = one(store).await?;
    let second = claim(store, "crm", after(60)).await?.into_iter().next().ok_or("no second claim")?;
    for late in [DeliveryEnd::Done, DeliveryEnd::Dead, DeliveryEnd::RetryAt(BEGIN)] {
        equal("the first claim ends it", end(store, &first, late).await?, false)?;
    }
    equal("claimed meanwhile", claim(store, "crm", after(119)).await?.len(), 0)?;
    equal("the second claim ends it", end(store, &second, DeliveryEnd::Done).await?, true)?;
    equal("it ends twice", end(store, &second, DeliveryEnd::Done).await?, false)?;
    equal("claimed after the end", claim(store, "crm", after(9_999)).await?.len(), 0)
}

async fn ends(store: &dyn Store) -> Result<(), String> {
    let first = one(store).await?;
    equal("retry", end(store, &first, DeliveryEnd::RetryAt(after(300))).await?, true)?;
    equal("claimed before its time", claim(store, "crm", after(299)).await?.len(), 0)?;
    let second = claim(store, "crm", after(300)).await?.into_iter().next().ok_or("not retried")?;
    equal("attempt after a retry", second.attempt, 2)?;
    equal("dead", end(store, &second, DeliveryEnd::Dead).await?, true)?;
    equal("claimed when dead", claim(store, "crm", after(99_999)).await?.len(), 0)?;
    let revive = |limit| async move {
        outbox(store)?.revive_deliveries(&endpoint("crm")?, after(400), limit).await.map_err(text)
    };
    equal("revived", (revive(0).await?, revive(9).await?, revive(9).await?), (0, 1, 0))?;
    let third = claim(store, "crm", after(400)).await?.into_iter().next().ok_or("not revived")?;
    equal("event", &third.event, &first.event)?;
    equal("attempt and fence", (third.attempt, third.fence), (1, 3))
}

async fn limits(store: &dyn Store) -> Result<(), String> {
    subscribe(store, "crm").await?;
    for order in 1..4 {
        begin(store, order).await?;
        put(store, order, Input::Cancel, after(order)).await?;
    }
    let all = claim(store, "crm", after(9)).await?;
    for delivery in &all {
        let n = delivery.event.cursor.0;
        end(store, delivery, DeliveryEnd::RetryAt(after(1_000 - n))).await?;
    }
    let outbox = outbox(store)?;
    let mut order = Vec::new();
    for _ in &all {
        let claimed = outbox.claim_deliveries(&endpoint("crm")?, after(1_000), LEASE, 1).await;
        let claimed = claimed.map_err(text)?.deliveries;
        equal("claimed with a limit of 1", claimed.len(), 1)?;
        order.extend(claimed.into_iter().map(|delivery| delivery.event.cursor));
    }
    let mut expected: Vec<_> = all.iter().map(|delivery| delivery.event.cursor).collect();
    expected.sort();
    expected.reverse();
    equal("order", order, expected)
}

async fn deletes(store: &dyn Store) -> Result<(), String> {
    let first = one(store).await?;
    let end_of_retention = BEGIN.plus(machine().rules().retention.get());
    equal("purged", store.purge(end_of_retention, 9).await.map_err(text)?, 1)?;
    equal("ended after the purge", end(store, &first, DeliveryEnd::Done).await?, false)?;
    begin(store, 2).await?;
    outbox(store)?.unsubscribe(&endpoint("crm")?).await.map_err(text)?;
    subscribe(store, "crm").await?;
    equal("deliveries", claim(store, "crm", end_of_retention).await?.len(), 0)
}
