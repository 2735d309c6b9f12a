//! A receiver of callbacks on loopback.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::routing::get;

/// Starts a receiver. It answers with these statuses in turn, then repeats the last one. Returns its address and the queries that
/// it receives.
pub(crate) async fn receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<String>>>) {
    let queries = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&queries);
    let route = get(move |RawQuery(query): RawQuery| async move {
        let mut kept = kept.lock().unwrap();
        let status = statuses[kept.len().min(statuses.len() - 1)];
        kept.push(query.unwrap_or_default());
        StatusCode::from_u16(status).unwrap()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cb?shop=1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/cb", route)).await });
    (url, queries)
}
