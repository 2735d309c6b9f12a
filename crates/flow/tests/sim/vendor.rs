//! The service of the simulation: it fails before and after it executes a call, and remembers what it issued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{AttemptState, Lookup, Store};
use cloudauth_protocol::{Body, OuterOrderNo};
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};

use crate::world::{chance, interrupt, later, pick, take_time};

#[derive(Debug, Default)]
pub(crate) struct Issued {
    /// The region that created each CertifyId.
    pub(crate) regions: BTreeMap<String, String>,
    /// The name of the person whom each order number verifies, as it was sent.
    pub(crate) people: BTreeMap<String, String>,
    /// The result of each CertifyId, once the person is done.
    pub(crate) results: BTreeMap<String, Option<&'static str>>,
    pub(crate) asked: BTreeSet<String>,
    pub(crate) deleted: BTreeSet<String>,
    /// The capability in the return URL of each order number.
    pub(crate) capabilities: BTreeMap<String, String>,
    /// What the service saw that must not happen.
    pub(crate) complaints: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Vendor {
    pub(crate) issued: Arc<Mutex<Issued>>,
    pub(crate) store: Arc<MemoryStore>,
    /// Whether the client sends an `InitFaceVerify` again whose answer was lost. The service then answers with the same CertifyId.
    pub(crate) repeats: bool,
}

impl Vendor {
    async fn init(&self, form: &BTreeMap<String, String>, region: &str) -> String {
        let order_no = &form["OuterOrderNo"];
        let known = OuterOrderNo::new(order_no).unwrap();
        let stored = self.store.load(Lookup::OrderNo(&known)).await.unwrap();
        let state = stored.and_then(|stored| Some(stored.verification.attempt(&known)?.state));
        let mut issued = self.issued.lock().unwrap();
        // The lease may end during a call.
        if !matches!(state, Some(AttemptState::Reserved | AttemptState::Orphaned)) {
            issued.complaints.push(format!("InitFaceVerify without a committed attempt: {state:?}"));
        }
        let token = form.contains_key("CallbackToken");
        if !token || !form["CallbackUrl"].ends_with(order_no.as_str()) {
            issued.complaints.push("InitFaceVerify without its callback".to_owned());
        }
        let capability = form["ReturnUrl"].rsplit_once("%2F").unwrap().1.to_owned();
        issued.capabilities.insert(order_no.clone(), capability);
        issued.people.insert(order_no.clone(), form["CertName"].clone());
        let certify_id = format!("sha{order_no}");
        issued.regions.insert(certify_id.clone(), region.to_owned());
        let was_issued = issued.results.contains_key(&certify_id);
        issued.results.entry(certify_id.clone()).or_default();
        if was_issued && !self.repeats {
            issued.complaints.push("an order number was used twice".to_owned());
        }
        format!(
            r#""ResultObject":{{"CertifyId":"{certify_id}","CertifyUrl":"https://t.aliyun.com/{order_no}"}}"#
        )
    }

    /// The service deletes a result only after a query.
    fn delete(&self, form: &BTreeMap<String, String>) -> String {
        let mut issued = self.issued.lock().unwrap();
        let result = if issued.asked.contains(&form["CertifyId"]) {
            issued.deleted.insert(form["CertifyId"].clone());
            r#""DeleteResult":"Y""#
        } else {
            r#""DeleteResult":"N","FailReason":"NEED_QUERY_VERIFY_RESULT""#
        };
        format!(r#""ResultObject":{{{result}}}"#)
    }

    fn describe(&self, form: &BTreeMap<String, String>) -> Option<String> {
        let mut issued = self.issued.lock().unwrap();
        issued.asked.insert(form["CertifyId"].clone());
        let code = issued.results.get(&form["CertifyId"]).copied().flatten()?;
        let passed = if code == "200" { "T" } else { "F" };
        Some(format!(r#""ResultObject":{{"Passed":"{passed}","SubCode":"{code}"}}"#))
    }
}

/// Codes that say nothing about a session: the service, the account, the configuration.
const PRODUCT_CODES: &[&str] = &["500", "401", "404", "410", "411", "412"];

/// The rejections of the gateway, and their HTTP status.
const GATEWAY_CODES: &[(u16, &str)] = &[
    (500, "InternalError"),
    (503, "ServiceUnavailable"),
    (400, "Throttling"),
    (400, "Throttling.User"),
    (400, "InvalidTimeStamp.Expired"),
    (400, "SignatureNonceUsed"),
    (400, "InvalidSecurityToken.Expired"),
    (403, "InvalidAccessKeyId.Inactive"),
    (404, "InvalidAccessKeyId.NotFound"),
    (403, "Forbidden.RAM"),
    (400, "SignatureDoesNotMatch"),
];

fn rejected() -> Response<Body> {
    let (status, code) = pick(GATEWAY_CODES);
    let text = format!(r#"{{"RequestId":"R-1","HostId":"h","Code":"{code}","Message":"m"}}"#);
    let body = if chance(10) { "<html>".to_owned() } else { text };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn no_answer(sent: Sent) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout, sent)
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        interrupt().await;
        take_time();
        if chance(6) {
            return Err(no_answer(Sent::No));
        }
        let region = request.uri().host().unwrap().to_owned();
        let body = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let form: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if chance(4) {
            return Ok(rejected());
        }
        let (code, result) = if chance(4) {
            (pick(PRODUCT_CODES), None)
        } else {
            match form["Action"].as_str() {
                "InitFaceVerify" if chance(3) => ("417", None),
                "InitFaceVerify" => ("200", Some(self.init(&form, &region).await)),
                // Only the region that created a session knows it.
                _ if self.issued.lock().unwrap().regions[&form["CertifyId"]] != region => ("406", None),
                "DescribeFaceVerify" => match self.describe(&form) {
                    Some(result) => ("200", Some(result)),
                    None => ("424", None),
                },
                _ => ("200", Some(self.delete(&form))),
            }
        };
        interrupt().await;
        take_time();
        if chance(6) {
            return Err(no_answer(Sent::Maybe));
        }
        let result = result.map_or(String::new(), |result| format!(",{result}"));
        Ok(Response::new(Body::from(format!(
            r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"{result}}}"#
        ))))
    }

    async fn sleep(&self, time: Duration) {
        later(time);
        interrupt().await;
    }
}
