//! Every value type: what is accepted comes out as it went in, and what is personal is not printed.

use std::fmt::Debug;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use cloudauth_protocol::sign::oss::{self, OssObject, OssSigning};
use cloudauth_protocol::{
    AuthId, CallbackToken, CallbackUrl, CertName, CertNo, CertifyId, Credentials, Endpoint, Identity,
    InvalidValue, Ip, MetaInfo, Mobile, OuterOrderNo, RequestId, ReturnUrl, SceneId, SubCode, UiCustomUrl,
    UnixTime, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reach::reached;
use crate::secrets::is_telling;

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
    serde_round_trip(&SubCode::from_wire(text));
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

fn bounded<T>(value: &Result<T, InvalidValue>) {
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

fn serde_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).expect("a value is written");
    assert_eq!(&serde_json::from_str::<T>(&json).expect("a value is read"), value);
}
