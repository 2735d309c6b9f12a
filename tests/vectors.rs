//! The vendor's signing vectors, stage by stage: a failure names the stage.

#![cfg(test)]

use std::collections::BTreeMap;

use std::time::Duration;

use cloudauth::sign::oss::{self, OssObject, OssSigning};
use cloudauth::sign::{v1, v3};
use cloudauth::{Credentials, ParamLocation, Params, UnixTime};
use cloudauth_tests::vectors;
use http::Method;
use serde_json::Value;

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("{} has no {field}", vector["name"]))
}

fn map(vector: &Value, field: &str) -> BTreeMap<String, String> {
    let object = vector[field].as_object().unwrap_or_else(|| panic!("{} has no {field}", vector["name"]));
    object.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn params(map: &BTreeMap<String, String>) -> Params<'_> {
    let mut params = Params::new();
    // In reverse, so that the test does not depend on sorted input.
    for (name, value) in map.iter().rev() {
        params.push(name, ParamLocation::Query, value);
    }
    params
}

/// The pairs of a query or form, decoded as a server decodes them.
fn pairs(form: &str) -> BTreeMap<String, String> {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_v1_vector_reproduces_stage_by_stage() {
    let all = vectors(include_str!("vectors/vectors-v1.json"));
    assert_eq!(all.len(), 23);
    let (mut same_bytes, mut same_pairs) = (0, 0);
    for vector in &all {
        let name = text(vector, "name");
        let signed_params = map(vector, "params");
        let by = Credentials::new("testid", text(vector, "access_key_secret")).unwrap();
        let method: Method = text(vector, "method").parse().unwrap();
        let signed = v1::sign(&method, params(&signed_params), by.secret()).unwrap();
        assert_eq!(std::str::from_utf8(signed.canonical()), Ok(text(vector, "canonical_query")), "{name}");
        assert_eq!(
            std::str::from_utf8(signed.string_to_sign()),
            Ok(text(vector, "string_to_sign")),
            "{name}"
        );
        assert_eq!(signed.signature(), text(vector, "signature"), "{name}");
        if let Some(published) = vector["published_signature"].as_str() {
            assert_eq!(signed.signature(), published, "{name}");
        }

        // The request on the wire: our pairs are sorted, as in pop-core; the other SDKs send the same pairs in another order.
        let ours = String::from_utf8(signed.into_wire()).unwrap();
        if name.starts_with("wire-popcore") {
            let body = text(vector, "body");
            let query = text(vector, "url").split_once('?').map(|(_, query)| query);
            assert_eq!(ours, if body.is_empty() { query.unwrap() } else { body }, "{name}");
            same_bytes += 1;
        } else if name.starts_with("wire-") {
            let mut theirs = match vector["url_path_and_query"].as_str() {
                Some(url) => pairs(url.split_once('?').unwrap().1),
                // These vectors list the pairs of the query without the signature.
                None => map(vector, "query_params"),
            };
            theirs.extend(pairs(text(vector, "body")));
            theirs.insert("Signature".to_owned(), text(vector, "signature").to_owned());
            assert_eq!(pairs(&ours), theirs, "{name}");
            same_pairs += 1;
        }
    }
    assert_eq!((same_bytes, same_pairs), (2, 8));
}

#[test]
fn every_v3_vector_but_sm3_reproduces_stage_by_stage() {
    let all = vectors(include_str!("vectors/vectors-v3.json"));
    assert_eq!(all.len(), 18);
    let mut left_out = Vec::new();
    for vector in &all {
        let name = text(vector, "name");
        if text(vector, "algorithm") != "ACS3-HMAC-SHA256" {
            left_out.push(name);
            continue;
        }
        let by = Credentials::new(text(vector, "access_key_id"), text(vector, "access_key_secret")).unwrap();
        let query = v3::canonical_query(params(&map(vector, "query"))).unwrap();
        let headers = map(vector, "headers");
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let method: Method = text(vector, "method").parse().unwrap();
        let signed = v3::sign(&method, &query, headers, text(vector, "body").as_bytes(), &by);
        let canonical = std::str::from_utf8(signed.canonical()).unwrap();
        let payload = canonical.rsplit('\n').next();
        assert_eq!(payload, Some(text(vector, "hashed_payload")), "{name}");
        assert_eq!(canonical, text(vector, "canonical_request"), "{name}");
        assert_eq!(signed.string_to_sign(), text(vector, "string_to_sign"), "{name}");
        assert_eq!(signed.signature(), text(vector, "signature"), "{name}");
        assert_eq!(signed.authorization(), text(vector, "authorization"), "{name}");
        if let Some(published) = vector["published_signature"].as_str() {
            assert_eq!(signed.signature(), published, "{name}");
        }
    }
    assert_eq!(left_out, ["sm3-describe-POST"], "SM3 is not supported");
}

#[test]
fn every_oss_vector_reproduces_in_headers_and_as_a_link() {
    let all = vectors(include_str!("vectors/vectors-oss.json"));
    assert_eq!(all.len(), 11);
    let at = UnixTime::from_secs(1_767_323_045);
    for vector in &all {
        let name = text(vector, "name");
        assert_eq!(text(vector, "clock"), at.to_string());
        let object = OssObject::new(text(vector, "bucket"), text(vector, "key"), "cn-shanghai").unwrap();
        let by = if name.ends_with("sts") {
            Credentials::temporary("STS.FAKEtestid", "FAKEtestsecret", "CAISFAKEtoken+/=").unwrap()
        } else {
            Credentials::new("testid", "testsecret").unwrap()
        };
        let how = if name.contains("v1-") { OssSigning::V1 } else { OssSigning::V4 };
        let result = &vector["result"];
        let (canonical, to_sign) = if name.contains("presign") {
            let link = oss::link(&object, &by, how, at, Duration::from_secs(900));
            let theirs = result["signed_url"].as_str().or(result["url"].as_str()).unwrap();
            let (ours, theirs) =
                (link.output.expose().split_once('?').unwrap(), theirs.split_once('?').unwrap());
            assert_eq!((ours.0, pairs(ours.1)), (theirs.0, pairs(theirs.1)), "{name}");
            (link.canonical_request, link.string_to_sign)
        } else {
            let get = oss::get(&object, &by, how, at).unwrap();
            let headers: BTreeMap<_, _> = get
                .output
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            // One SDK writes a space in the header, and the newer one also sends a date.
            let theirs = result["headers"].as_object().unwrap().iter().filter(|(_, value)| value.is_string());
            let mut theirs: BTreeMap<_, _> = theirs
                .map(|(name, value)| {
                    (name.to_lowercase(), value.as_str().unwrap().replace(", Signature", ",Signature"))
                })
                .collect();
            if how == OssSigning::V4 {
                theirs.remove("date");
            }
            assert_eq!(headers, theirs, "{name}");
            assert_eq!(get.output.uri().to_string(), text(result, "url").replace("%2F", "/"), "{name}");
            (get.canonical_request, get.string_to_sign)
        };
        let stages: Vec<String> = match vector["string_to_sign"].as_str() {
            Some(stage) => vec![stage.to_owned()],
            None => vector["intermediate"]
                .as_array()
                .unwrap()
                .iter()
                .map(|stage| stage.as_str().unwrap().to_owned())
                .collect(),
        };
        for stage in stages {
            // All but one of the stages are printed as Python bytes.
            let stage = stage.split_once(" = ").map_or(&*stage, |(_, stage)| stage);
            let stage = stage.trim_start_matches("b'").trim_end_matches('\'').replace("\\n", "\n");
            let ours = if stage.starts_with("GET\n/") { canonical.as_deref().unwrap() } else { &to_sign };
            assert_eq!(ours, stage, "{name}");
        }
    }
}
