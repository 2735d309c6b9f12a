//! Every value type: what is accepted comes out as it went in, and what is personal is not printed.

use std::fmt::{Debug, Display};
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use cloudauth_client::credentials::CredentialsUri;
use cloudauth_flow::{
    CapabilityHash, ChainHead, Checkpoint, ConsentText, Cursor, Digest, EndpointId, Event, Finding,
    IdempotencyKey, IdentityRef, LookError, OrderRef, Purpose, Redaction, Region, ReviewReason, Reviewer,
    SubjectRef, Urls, VerificationId, WebhookSecret,
};
use cloudauth_policy::{Dialect, Input, Verdict};
use cloudauth_protocol::sign::oss::{self, OssObject, OssSigning};
use cloudauth_protocol::{
    AuthId, CallbackToken, CallbackUrl, CertName, CertNo, CertifyId, ClientCode, Code, Credentials, Effect,
    Endpoint, GatewayCode, Identity, InvalidValue, Ip, MetaInfo, Mobile, OuterOrderNo, Passed, RawOperation,
    RequestId, ReturnUrl, SceneId, SubCode, UiCustomUrl, UnixTime, UserId,
};
use cloudauth_transport::Proxy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reach::reached;
use crate::secrets::{assert_hidden, is_telling, printed, words};

pub(super) fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    hidden(text, CertName::new(text), |value| value.expose().to_owned(), false);
    hidden(text, CertNo::new(text), |value| value.expose().to_owned(), true);
    hidden(text, Mobile::new(text), |value| value.expose().to_owned(), false);
    hidden(text, MetaInfo::new(text), |value| value.expose().to_owned(), false);
    hidden(text, UserId::new(text), |value| value.expose().to_owned(), false);
    hidden(text, CallbackToken::new(text), |value| value.expose().to_owned(), false);
    hidden(text, Identity::sm2(text, text), |value| value.number().expose().to_owned(), false);
    if let Ok(ip) = text.parse() {
        let value = Ip::new(ip);
        assert!(!format!("{value:?}").contains(&ip.to_string()));
    }
    round_trip::<OuterOrderNo>(text);
    round_trip::<CertifyId>(text);
    round_trip::<SceneId>(text);
    // Its `Display` hides long numbers.
    if let Ok(id) = text.parse::<RequestId>() {
        serde_round_trip(&id);
    }
    code::<Code>(text);
    code::<SubCode>(text);
    code::<GatewayCode>(text);
    code::<Passed>(text);
    code::<ClientCode>(text);
    bounded(&RawOperation::new(text, Effect::Read));
    shown(text, ReturnUrl::new(text).map(|url| url.as_str().to_owned()));
    shown(text, CallbackUrl::new(text).map(|url| url.as_str().to_owned()));
    let local = CallbackUrl::loopback(text).map(|url| url.as_str().to_owned());
    if local.is_ok() {
        let uri: http::Uri = text.parse().unwrap();
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_local =
            host == "localhost" || host.starts_with("127.") || host.parse() == Ok(Ipv6Addr::LOCALHOST);
        assert!(uri.scheme_str() == Some("http") && is_local, "a callback without TLS to another machine");
        reached("a callback on this machine");
    }
    shown(text, local);
    object(text);
    shown(text, UiCustomUrl::new(text).map(|url| url.as_str().to_owned()));
    bounded(&AuthId::new(text));
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        reached("an endpoint");
        assert_eq!(endpoint.to_string().parse::<Endpoint>().ok(), Some(endpoint));
    }
    let (id, secret) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(credentials) = Credentials::temporary(id, secret, secret) {
        assert_eq!((credentials.access_key_id(), credentials.secret().expose()), (id, secret));
        assert!(!is_telling(secret) || id.contains(secret) || !format!("{credentials:?}").contains(secret));
    }
    of_the_flow(text);
    of_the_policy(text);
    proxy(text);
    bounded(&CredentialsUri::new(text));
    // Its `Debug` shows the host.
    let host = text.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    let shown = printed(&CredentialsUri::new(text)).replace(&*host.unwrap_or_default(), "");
    assert_hidden(&shown, words(text));
}

fn of_the_flow(text: &str) {
    word::<OrderRef>(text, "a word of the flow");
    word::<Purpose>(text, "a word without long numbers");
    word::<IdempotencyKey>(text, "a word of the flow");
    word::<ConsentText>(text, "a word without long numbers");
    word::<Reviewer>(text, "a word without long numbers");
    word::<ReviewReason>(text, "a word without long numbers");
    word::<Region>(text, "a word of the flow");
    word::<EndpointId>(text, "a word of the flow");
    word::<LookError>(text, "a word of the flow");
    word::<SubjectRef>(text, "a digest");
    word::<IdentityRef>(text, "a digest");
    word::<CapabilityHash>(text, "a digest");
    round_trip::<VerificationId>(text);
    round_trip::<Digest>(text);
    document::<Event>(text, "an event");
    document::<Finding>(text, "a finding");
    document::<ChainHead>(text, "the head of a chain");
    document::<Checkpoint>(text, "a checkpoint");
    document::<Cursor>(text, "a number");
    document::<Redaction>(text, "a redaction");
    assert_hidden(&printed(&WebhookSecret::new(text)), [text]);
    bounded(&WebhookSecret::new(text));
    bounded(&Urls::new(text, text));
}

fn of_the_policy(text: &str) {
    bounded(&text.parse::<Input>());
    round_trip::<Input>(text);
    if let Ok(dialect) = text.parse::<Dialect>() {
        reached("a dialect");
        assert_eq!(dialect.to_string(), text);
    }
    document::<Verdict>(text, "a verdict");
}

/// `Display` gives the address, with which a proxy without user and password is read again. Neither is printed.
fn proxy(text: &str) {
    let parsed = text.parse::<Proxy>();
    bounded(&parsed);
    let Ok(proxy) = parsed else { return assert_hidden(&printed(&parsed), words(text)) };
    let again: Proxy = proxy.to_string().parse().expect("an address is a proxy");
    assert_eq!((again.uri(), again.expose_credentials()), (proxy.uri(), None));
    let Some((user, password)) = proxy.expose_credentials() else { return assert_eq!(again, proxy) };
    reached("a proxy with a password");
    let shown = format!("{proxy} {proxy:?} {}", proxy.uri()).replace(proxy.host(), "");
    assert_hidden(&shown, [user, password]);
}

/// Lines of bucket, region and key: the host is the service's, and the path decodes to the key.
fn object(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let (bucket, region, key) = match (lines.next(), lines.next(), lines.next()) {
        (Some(bucket), Some(region), Some(key)) => (bucket, region, key),
        _ => ("bucket", "cn-shanghai", text),
    };
    let object = OssObject::new(bucket, key, region);
    bounded(&object);
    let Ok(object) = object else { return };
    let by = Credentials::temporary("testid", "testsecret", "testtoken").unwrap();
    let at = UnixTime::from_secs(1_767_323_045);
    for how in [OssSigning::V4, OssSigning::V1] {
        let signed = oss::get(&object, &by, how, at).expect("a request is built");
        let uri = signed.output.uri();
        assert_eq!((uri.scheme_str(), uri.host()), (Some("https"), Some(&*object.host())));
        // `form_urlencoded` reads a plus as a space; the path has none.
        let path = uri.path().strip_prefix('/').expect("a path");
        assert!(!path.contains(['+', '&', '=']), "{} bytes are not encoded", path.len());
        let (decoded, _) = form_urlencoded::parse(path.as_bytes()).next().unwrap_or_default();
        assert_eq!(decoded, key);
        let link = oss::link(&object, &by, how, at, Duration::from_secs(900)).output;
        assert!(!is_telling(key) || !format!("{link:?}").contains(key), "a link is shown");
        let linked: http::Uri = link.expose().parse().expect("a link is a URL");
        assert_eq!((linked.host(), linked.path()), (uri.host(), uri.path()));
        assert!(text.contains("testsecret") || !link.expose().contains("testsecret"), "a secret in a link");
    }
    reached("an object of OSS");
}

fn bounded<T, E: Debug + Display>(value: &Result<T, E>) {
    if let Err(error) = value {
        assert!(format!("{error} {error:?}").len() < 512);
    }
}

fn hidden<T: Debug>(
    text: &str,
    value: Result<T, InvalidValue>,
    expose: impl Fn(&T) -> String,
    in_capitals: bool,
) {
    bounded(&value);
    let debug = format!("{value:?}");
    assert!(!is_telling(text) || !debug.contains(text), "a personal value is shown");
    if let Ok(value) = &value {
        reached("a personal value");
        let expected = if in_capitals { text.to_ascii_uppercase() } else { text.to_owned() };
        assert_eq!(expose(value), expected);
    }
}

fn shown(text: &str, value: Result<String, InvalidValue>) {
    bounded(&value);
    if let Ok(value) = value {
        assert_eq!(value, text);
    }
}

/// `FromStr`, `Display` and serde agree.
fn round_trip<T>(text: &str)
where
    T: FromStr + ToString + Serialize + DeserializeOwned + PartialEq + Debug,
    T::Err: Debug,
{
    let Ok(value) = text.parse::<T>() else { return };
    reached("an identifier");
    assert_eq!(value.to_string().parse::<T>().ok().as_ref(), Some(&value));
    serde_round_trip(&value);
}

/// An open code is kept as it came. What does not look like a code, and long numbers, are not printed.
fn code<T>(text: &str)
where
    T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug,
    T::Err: Debug,
{
    let value: T = text.parse().expect("each text is a code");
    assert_eq!(serde_json::to_value(&value).expect("a code is written"), text);
    serde_round_trip(&value);
    assert!(
        is_id(text) || !is_telling(text) || !format!("{value} {value:?}").contains(text),
        "a code is printed"
    );
}

/// Texts of this length can be an id of the service, which is printed.
fn is_id(text: &str) -> bool {
    [32, 36].contains(&text.len())
}

/// A text that a store keeps: it comes back unchanged, and long numbers are not printed.
fn word<T>(text: &str, place: &'static str)
where
    T: FromStr + Into<String> + Clone + Serialize + DeserializeOwned + PartialEq + Debug,
    T::Err: Debug + Display,
{
    let parsed = text.parse::<T>();
    bounded(&parsed);
    assert!(is_id(text) || !is_telling(text) || !printed(&parsed).contains(text), "a word is printed");
    let Ok(value) = parsed else { return };
    reached(place);
    assert_eq!(value.clone().into(), text);
    serde_round_trip(&value);
}

/// What serde reads, it writes and reads again.
fn document<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str, place: &'static str) {
    if let Ok(value) = serde_json::from_str::<T>(text) {
        reached(place);
        serde_round_trip(&value);
    }
}

fn serde_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).expect("a value is written");
    assert_eq!(&serde_json::from_str::<T>(&json).expect("a value is read"), value);
}
