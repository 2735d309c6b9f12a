//! Signatures V4 and V1 of OSS (对象存储), which stores the face pictures: in headers, or as a link.
//!
//! ```text
//! V4  canonical      = GET \n /bucket/key \n query \n headers \n \n UNSIGNED-PAYLOAD
//!     string to sign = OSS4-HMAC-SHA256 \n time \n date/region/oss/aliyun_v4_request \n hex(SHA-256(canonical))
//!     key            = the secret, "aliyun_v4" before it, hashed over date, region, "oss", "aliyun_v4_request" in turn
//! V1  string to sign = GET \n \n \n date or expiry \n headers /bucket/key[?security-token=..]
//! ```
//!
//! Source: the vendor's two Python SDKs, `oss2` 2.19.1 and `alibabacloud-oss-v2` 1.4.1, whose signatures agree
//! (`tests/vectors/vectors-oss.json`).

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, DATE, HeaderName, HeaderValue};
use http::{HeaderMap, Request};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{BuildError, BuildProblem};
use super::v3::hex_sha256;
use crate::credentials::{Credentials, keyed};
use crate::redact::personal;
use crate::values::InvalidValue;
use crate::wire::body::Body;
use crate::wire::encode::{ascii, push_encoded};
use crate::wire::stamp::{UnixTime, hex};

const V4: &str = "OSS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// An object in a bucket. `DescribeFaceVerify` names both ([`FacialPicture`](crate::FacialPicture)); the region is
/// `cn-shanghai` unless you configured another one. `Debug` shows the region alone: the object is the face of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct OssObject {
    bucket: Box<str>,
    key: Box<str>,
    region: Box<str>,
}

impl fmt::Debug for OssObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OssObject").field("region", &self.region).finish_non_exhaustive()
    }
}

impl OssObject {
    /// The object `key` of `bucket` in `region`, such as `cn-shanghai`.
    ///
    /// # Errors
    /// If the bucket or the region cannot be part of a host name, or the key is empty, longer than 1023 bytes, begins with a slash,
    /// or contains control characters or a `.` or `..` segment.
    pub fn new(bucket: &str, key: &str, region: &str) -> Result<Self, InvalidValue> {
        let is_label = |text: &str| {
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !text.starts_with('-')
                && !text.ends_with('-')
        };
        if !(3..=63).contains(&bucket.len()) || !is_label(bucket) {
            return Err(InvalidValue::new(
                "bucket",
                "must be 3 to 63 lower-case letters, digits and hyphens",
            ));
        }
        if !(2..=32).contains(&region.len()) || !is_label(region) || region.ends_with("internal") {
            return Err(InvalidValue::new("region", "must be a region's name, such as cn-shanghai"));
        }
        if !(1..=1023).contains(&key.len()) || key.starts_with(['/', '\\']) {
            return Err(InvalidValue::new("object", "must be 1 to 1023 bytes, and not begin with a slash"));
        }
        if key.chars().any(char::is_control) || key.split('/').any(|part| part == "." || part == "..") {
            return Err(InvalidValue::new("object", "must not hold control characters or dots for a folder"));
        }
        Ok(Self { bucket: bucket.into(), key: key.into(), region: region.into() })
    }

    /// `<bucket>.oss-<region>.aliyuncs.com`
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}.oss-{}.aliyuncs.com", self.bucket, self.region)
    }

    fn resource(&self) -> String {
        format!("/{}/{}", self.bucket, self.key)
    }

    /// The key as a URL path: encoded, with its slashes.
    fn path(&self) -> String {
        let mut path = Vec::with_capacity(self.key.len() + 1);
        for part in self.key.split('/') {
            path.push(b'/');
            push_encoded(&mut path, part);
        }
        ascii(&path)
    }
}

/// The signature version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OssSigning {
    /// HMAC-SHA256 with a key derived for the day and the region.
    #[default]
    V4,
    /// HMAC-SHA1 with the secret itself. The service signs `pictureUrl` with it.
    V1,
}

personal! {
    /// A link to an object. Anyone with the link can read the object until it expires.
    OssLink
}

/// A signed request or link, with the stages of its signature. `Debug` shows no stage: the string to sign of V1 contains the
/// security token.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    /// The request, or the link.
    pub output: T,
    /// The canonical request (V4).
    pub canonical_request: Option<String>,
    /// The input of the HMAC.
    pub string_to_sign: String,
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("output", &self.output).finish_non_exhaustive()
    }
}

/// A request that reads an object, signed in its headers. The headers with the signature and the token are marked sensitive.
///
/// # Errors
/// If the request cannot be built.
pub fn get(
    object: &OssObject,
    by: &Credentials,
    how: OssSigning,
    at: UnixTime,
) -> Result<Signed<Request<Body>>, BuildError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = by.security_token() {
        headers.insert(HeaderName::from_static("x-oss-security-token"), sensitive(token.expose())?);
    }
    let (authorization, canonical_request, string_to_sign) = match how {
        OssSigning::V4 => {
            headers
                .insert(HeaderName::from_static("x-oss-content-sha256"), HeaderValue::from_static(UNSIGNED));
            headers.insert(HeaderName::from_static("x-oss-date"), HeaderValue::from_str(&basic(at))?);
            let (canonical, to_sign) = v4(object, "", &lines(&headers)?, at);
            let signature = v4_signature(object, by, at, &to_sign);
            let scope = scope(object, at);
            let id = by.access_key_id();
            (format!("{V4} Credential={id}/{scope},Signature={signature}"), Some(canonical), to_sign)
        }
        OssSigning::V1 => {
            let date = imf(at);
            let to_sign = format!("GET\n\n\n{date}\n{}{}", lines(&headers)?, object.resource());
            headers.insert(DATE, HeaderValue::from_str(&date)?);
            (format!("OSS {}:{}", by.access_key_id(), v1_signature(by, &to_sign)), None, to_sign)
        }
    };
    headers.insert(AUTHORIZATION, sensitive(&authorization)?);
    let url = format!("https://{}{}", object.host(), object.path());
    let mut output = Request::get(url).body(Body::empty())?;
    *output.headers_mut() = headers;
    Ok(Signed { output, canonical_request, string_to_sign })
}

/// A link that reads an object without extra headers, valid for `holds` (V4 allows at most seven days).
#[must_use]
pub fn link(
    object: &OssObject,
    by: &Credentials,
    how: OssSigning,
    at: UnixTime,
    holds: Duration,
) -> Signed<OssLink> {
    let token = by.security_token().map(|token| token.expose());
    let mut query = Vec::new();
    let mut pair = |name: &str, value: &str| {
        query.extend_from_slice(if query.is_empty() { b"" } else { b"&" });
        push_encoded(&mut query, name);
        query.push(b'=');
        push_encoded(&mut query, value);
    };
    let (canonical_request, string_to_sign) = match how {
        OssSigning::V4 => {
            // In sorted order, as required for signing.
            pair("x-oss-credential", &format!("{}/{}", by.access_key_id(), scope(object, at)));
            pair("x-oss-date", &basic(at));
            pair("x-oss-expires", &holds.as_secs().to_string());
            if let Some(token) = token {
                pair("x-oss-security-token", token);
            }
            pair("x-oss-signature-version", V4);
            let (canonical, to_sign) = v4(object, &ascii(&query), "", at);
            let signature = v4_signature(object, by, at, &to_sign);
            query.extend_from_slice(format!("&x-oss-signature={signature}").as_bytes());
            (Some(canonical), to_sign)
        }
        OssSigning::V1 => {
            let expires = at.plus(holds).as_secs();
            let token_part = token.map(|token| format!("?security-token={token}")).unwrap_or_default();
            let to_sign = format!("GET\n\n\n{expires}\n{}{token_part}", object.resource());
            pair("OSSAccessKeyId", by.access_key_id());
            pair("Expires", &expires.to_string());
            if let Some(token) = token {
                pair("security-token", token);
            }
            pair("Signature", &v1_signature(by, &to_sign));
            (None, to_sign)
        }
    };
    let url = format!("https://{}{}?{}", object.host(), object.path(), ascii(&query));
    Signed { output: OssLink::hold(&url), canonical_request, string_to_sign }
}

fn v4(object: &OssObject, query: &str, headers: &str, at: UnixTime) -> (String, String) {
    let path = format!("/{}{}", object.bucket, object.path());
    let canonical = format!("GET\n{path}\n{query}\n{headers}\n\n{UNSIGNED}");
    let hashed = ascii(&hex_sha256(canonical.as_bytes()));
    let to_sign = format!("{V4}\n{}\n{}\n{hashed}", basic(at), scope(object, at));
    (canonical, to_sign)
}

fn v4_signature(object: &OssObject, by: &Credentials, at: UnixTime, string_to_sign: &str) -> String {
    let hash = |key: &[u8], text: &str| {
        let mut mac: Hmac<Sha256> = keyed(key);
        mac.update(text.as_bytes());
        Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
    };
    let secret = Zeroizing::new(format!("aliyun_v4{}", by.secret().expose()));
    let key = hash(secret.as_bytes(), &day(at));
    let key = ["oss", "aliyun_v4_request"]
        .into_iter()
        .fold(hash(&*key, &object.region), |key, part| hash(&*key, part));
    ascii(&hex::<32, 64>(*hash(&*key, string_to_sign)))
}

fn v1_signature(by: &Credentials, string_to_sign: &str) -> String {
    let mut mac: Hmac<Sha1> = keyed(by.secret().expose().as_bytes());
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The `x-oss-` header lines of both signatures. A value that is not visible ASCII cannot be signed and is an error: the service
/// refuses a header that is sent but not signed.
fn lines(headers: &HeaderMap) -> Result<String, BuildError> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| match value.to_str() {
        Ok(value) => Ok(format!("{name}:{value}\n")),
        Err(_) => Err(BuildError(BuildProblem::Unsignable(name.clone()))),
    };
    let mut lines = headers.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    lines.sort();
    Ok(lines.concat())
}

fn scope(object: &OssObject, at: UnixTime) -> String {
    format!("{}/{}/oss/aliyun_v4_request", day(at), object.region)
}

/// `yyyyMMddTHHmmssZ`
fn basic(at: UnixTime) -> String {
    at.to_string().replace(['-', ':'], "")
}

/// `yyyyMMdd`
fn day(at: UnixTime) -> String {
    basic(at).chars().take(8).collect()
}

/// `Fri, 02 Jan 2026 03:04:05 GMT`
fn imf(at: UnixTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let wire = at.to_string();
    let part = |range: std::ops::Range<usize>| wire.get(range).unwrap_or_default();
    let weekday = usize::try_from(at.as_secs() / 86_400 % 7).unwrap_or_default();
    let month = part(5..7).parse::<usize>().unwrap_or(1).saturating_sub(1);
    format!(
        "{}, {} {} {} {} GMT",
        DAYS.get(weekday).unwrap_or(&""),
        part(8..10),
        MONTHS.get(month).unwrap_or(&""),
        part(0..4),
        part(11..19)
    )
}

fn sensitive(text: &str) -> Result<HeaderValue, BuildError> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_invalid_buckets_keys_and_regions() {
        let good = OssObject::new("cn-shanghai-aliyun-cloudauth-1", "verify/1/a b+张_0.jpeg", "cn-shanghai")
            .unwrap();
        assert_eq!(good.host(), "cn-shanghai-aliyun-cloudauth-1.oss-cn-shanghai.aliyuncs.com");
        assert_eq!(good.path(), "/verify/1/a%20b%2B%E5%BC%A0_0.jpeg");
        for (bucket, key, region) in [
            ("a", "k", "cn-shanghai"),
            ("evil.example/x", "k", "cn-shanghai"),
            ("-bucket", "k", "cn-shanghai"),
            ("bucket", "", "cn-shanghai"),
            ("bucket", "/k", "cn-shanghai"),
            ("bucket", "a/../k", "cn-shanghai"),
            ("bucket", "a\nk", "cn-shanghai"),
            ("bucket", "k", "cn-shanghai.evil.example"),
            ("bucket", "k", "cn-shanghai-internal"),
            ("bucket", "k", "x@y"),
        ] {
            assert!(OssObject::new(bucket, key, region).is_err(), "{bucket} {key:?} {region}");
        }
    }

    #[test]
    fn rejects_a_header_that_cannot_be_signed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-oss-date", HeaderValue::from_static("20260102T030405Z"));
        assert_eq!(lines(&headers).unwrap(), "x-oss-date:20260102T030405Z\n");
        headers.insert("x-oss-security-token", HeaderValue::from_bytes(b"planted\xff").unwrap());
        let error = lines(&headers).unwrap_err().to_string();
        assert_eq!(error, "the header x-oss-security-token must be visible ASCII to be signed");
    }

    #[test]
    fn formats_dates_like_http() {
        for (secs, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_767_323_045, "Fri, 02 Jan 2026 03:04:05 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(imf(UnixTime::from_secs(secs)), expected);
        }
    }

    /// Signatures of the vendor's oss2 2.19.1; `tests/vectors/vectors-oss.json` has them all.
    #[test]
    fn signatures_are_those_of_the_vendors_sdk() {
        let object = OssObject::new(
            "cn-shanghai-aliyun-cloudauth-1260051251634779",
            "verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg",
            "cn-shanghai",
        )
        .unwrap();
        let fixed = Credentials::new("testid", "testsecret").unwrap();
        let temporary =
            Credentials::temporary("STS.FAKEtestid", "FAKEtestsecret", "CAISFAKEtoken+/=").unwrap();
        let (at, holds) = (UnixTime::from_secs(1_767_323_045), Duration::from_secs(900));
        for (by, how, in_link, in_header) in [
            (
                &fixed,
                OssSigning::V4,
                "27c45f12427fbdc2991d3177d377b24cd32c36208d974d55db1391d2e10fa88e",
                "64263469b7a9408193d3be09e2ae10e463c940ab343adb5cbb7fa565eeadc938",
            ),
            (
                &temporary,
                OssSigning::V4,
                "0d6a6abbd310bd67fc9713de32dcce7232b37dcc1147c05e946ca0b6bed5be5c",
                "7bb3ed01a507f2efcb1e4a1f7e4ee8380290b58f02fb6ae4b9791d393444d34b",
            ),
            (&fixed, OssSigning::V1, "NogIK7anNfeKNhP3g9cANbayNNQ%3D", "hepY4V+5wZGjweRJFHVkoRNL5nI="),
            (&temporary, OssSigning::V1, "ipgwSDUPktJnQ3rNLAg6APkEDcY%3D", "0bYfmjBMkdY3oBs/wm2dOBDOO/U="),
        ] {
            let link = link(&object, by, how, at, holds).output;
            assert!(link.expose().ends_with(&format!("ignature={in_link}")), "{how:?}");
            let get = get(&object, by, how, at).unwrap().output;
            let authorization = get.headers()[AUTHORIZATION].to_str().unwrap();
            assert!(authorization.ends_with(in_header), "{how:?}: {authorization}");
            assert!(get.headers()[AUTHORIZATION].is_sensitive(), "{how:?}");
        }
    }
}
