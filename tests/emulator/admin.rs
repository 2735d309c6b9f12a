//! The admin API against its OpenAPI document, and its authorization.

use std::net::Ipv4Addr;
use std::time::Duration;

use cloudauth_emulator::{Emulator, Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::*;

/// Checks a value against a schema of the document: types, required and unknown fields, enumerations.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let named = document.pointer(reference.trim_start_matches('#'));
        return check(document, named.unwrap_or_else(|| panic!("no {reference}")), value, at);
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(schemas) = schema[choice].as_array() {
            let fits = |schema| std::panic::catch_unwind(|| check(document, schema, value, at)).is_ok();
            assert!(schemas.iter().any(fits), "{at}: {value} does not match any of {schema}");
            return;
        }
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => panic!("{at}: a schema of type {other:?}"),
    };
    assert!(fits, "{at}: {value} is not of type {}", schema["type"]);
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value} is not one of {allowed:?}");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(required.as_str().unwrap()).is_some(), "{at}: {required} is missing in {value}");
    }
    for (name, inside) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => check(document, schema, inside, &format!("{at}.{name}")),
            None => assert!(schema["additionalProperties"] != false, "{at}: {name} is not in the document"),
        }
    }
    for inside in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], inside, at);
    }
}

#[tokio::test]
async fn every_operation_matches_its_openapi_schema() {
    let emulator = emulator().await;
    let (url, _queries) = receiver(&[200]).await;
    let document = admin(&emulator, "GET", "/openapi.json", None).await.json();
    let mut called = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if path.ends_with("/events") {
                continue;
            }
            // Creates a session to act on, and a refused call to explain.
            let new = json!({ "callback_url": url });
            let session = admin(&emulator, "POST", "/sessions", Some(new)).await.json();
            let id = session["certify_id"].as_str().unwrap();
            let needs_result = path == "/_emu/v1/callbacks" || path.contains("release");
            if needs_result {
                admin(&emulator, "PATCH", "/callbacks", Some(json!({ "hold": true }))).await;
                admin(&emulator, "POST", &format!("/sessions/{id}/submit"), Some(json!({}))).await;
            }
            let unsigned = format!(
                "{}/?Action=X&AccessKeyId=EMUtestid&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
                 &SignatureNonce=1&Timestamp={}&Format=JSON",
                emulator.url(),
                emulator.clock().now()
            );
            get_page(&unsigned).await;
            let number = match path.contains("journal") {
                true => {
                    admin(&emulator, "GET", "/journal", None).await.json()["entries"][0]["number"].clone()
                }
                false => {
                    admin(&emulator, "GET", "/callbacks", None).await.json()["callbacks"][0]["number"].clone()
                }
            };
            let filled = path.replace("{certify_id}", id).replace("{number}", &number.to_string());
            let mut body = operation["requestBody"]["content"]["application/json"]["example"].clone();
            if path.ends_with("/callbacks") && method == "post" {
                body["certify_id"] = json!(id);
            }
            if path.ends_with("/snapshot") {
                body = admin(&emulator, "GET", "/snapshot", None).await.json();
            }
            let wants_body = operation.get("requestBody").is_some();
            let relative = filled.trim_start_matches("/_emu/v1");
            let got = admin(&emulator, &method.to_uppercase(), relative, wants_body.then_some(body)).await;
            let said = &operation["responses"][got.status.to_string()];
            assert!(got.status < 300 && said.is_object(), "{method} {path}: {} {}", got.status, got.text);
            if got.status != 204 {
                check(&document, &said["content"]["application/json"]["schema"], &got.json(), path);
            }
            called += 1;

            // Errors match the document too.
            if wants_body && !path.ends_with("/snapshot") {
                let wrong =
                    admin(&emulator, &method.to_uppercase(), relative, Some(json!({ "nonsense": 1 }))).await;
                let said = &operation["responses"][wrong.status.to_string()];
                assert!(wrong.status >= 400 && said.is_object(), "{method} {path}: {}", wrong.text);
                check(&document, &said["content"]["application/json"]["schema"], &wrong.json(), path);
            }
            admin(&emulator, "POST", "/reset", None).await;
        }
    }
    assert!(called >= 24, "{called} operations");
}

#[test]
fn routes_and_openapi_document_are_equal() {
    let source = include_str!("../../crates/emulator/src/admin/router.rs");
    let document: Value =
        serde_json::from_str(include_str!("../../crates/emulator/web/openapi.json")).unwrap();
    let mut routes = Vec::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"/_emu/v1")) {
        let (path, handlers) = line.split_once('"').unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                routes.push(format!("{method} /_emu/v1{path}"));
            }
        }
    }
    let mut documented: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    routes.sort();
    documented.sort();
    assert_eq!(routes, documented);
    assert!(routes.len() >= 25, "{}", routes.len());
}

#[tokio::test]
async fn a_forced_outcome_precedes_the_choice_on_the_page() {
    let emulator = emulator().await;
    let session = admin(&emulator, "POST", "/sessions", Some(json!({}))).await.json();
    let path = format!("/sessions/{}", session["certify_id"].as_str().unwrap());
    let forced = json!({ "forced": { "sub_code": "205", "verify_score": 12.5 } });
    assert_eq!(admin(&emulator, "PATCH", &path, Some(forced)).await.json()["forced"]["sub_code"], "205");
    let page = session["link"].as_str().unwrap();
    assert!(get_page(page).await.text.contains("SubCode 205"));
    post_form(&format!("{page}/submit"), "sub_code=200").await;
    let ended = admin(&emulator, "GET", &path, None).await.json();
    assert_eq!((&ended["sub_code"], &ended["verify_score"]), (&json!("205"), &json!(12.5)));
    let again = admin(&emulator, "POST", &format!("{path}/submit"), Some(json!({}))).await;
    assert!(again.status == 409 && again.json()["hint"].is_string(), "{again:?}");
}

#[tokio::test]
async fn rules_apply_without_a_magic_identity() {
    let rules = r#"[{"order":"vip*","sub_code":"210"},{"scene_id":"1000000006","verify_score":69.5}]"#;
    let emulator = start(Emulator::builder().rules(rules)).await;
    for (order, number, expected) in [
        ("vip1", "999999199001010016", "210"),
        ("a", "999999199001010016", "204"),
        ("vip2", &magic("19900101", 205), "205"),
    ] {
        // 1990-01-01 has a magic meaning; this date of birth has none.
        let number = if number == "999999199001010016" { magic("19850505", 1) } else { number.to_owned() };
        let new = json!({ "outer_order_no": order, "id_number": number });
        let session = admin(&emulator, "POST", "/sessions", Some(new)).await.json();
        let path = format!("/sessions/{}/submit", session["certify_id"].as_str().unwrap());
        assert_eq!(
            admin(&emulator, "POST", &path, Some(json!({}))).await.json()["sub_code"],
            expected,
            "{order}"
        );
    }
    assert!(Emulator::builder().rules("[{}]").start().await.is_err());
}

#[tokio::test]
async fn faults_are_injected_and_cleared_over_http() {
    let emulator = emulator().await;
    let shop = shop(&emulator).with(once);
    let fault = json!({ "fault": { "status": 503 }, "action": "InitFaceVerify", "times": 1 });
    assert_eq!(admin(&emulator, "POST", "/faults", Some(fault)).await.status, 201);
    let op = init("a", "999999199001012003", RETURN_URL);
    assert!(shop.init_face_verify(&op).await.is_err());
    let entry = admin(&emulator, "GET", "/journal", None).await.json()["entries"][0].clone();
    assert_eq!((&entry["status"], &entry["fault"]), (&json!(503), &json!({ "status": 503 })));
    begin(&shop, &op).await;
    admin(&emulator, "POST", "/faults", Some(json!({ "fault": "reset" }))).await;
    assert_eq!(admin(&emulator, "DELETE", "/faults", None).await.status, 204);
    begin(&shop, &op).await;
    let slip = admin(&emulator, "POST", "/faults", Some(json!({ "fault": "reste" }))).await;
    assert!(slip.status == 400 && !slip.text.contains("reste"), "{slip:?}");
    for (fault, field) in [
        (json!({ "fault": "reset", "action": "DescribeFaceVerfy" }), "`action`"),
        (json!({ "fault": "reset", "probability": 2 }), "`probability`"),
        (json!({ "fault": "reset", "times": 0 }), "`times`"),
        (json!({ "fault": { "status": 99 } }), "`status`"),
        (json!({ "fault": { "truncated_at": -1 } }), "`truncated_at`"),
    ] {
        let refused = admin(&emulator, "POST", "/faults", Some(fault)).await;
        assert!(refused.status == 400 && refused.text.contains(field), "{refused:?}");
        assert!(refused.json()["zh"]["error"].as_str().unwrap().contains(field), "{refused:?}");
    }
    assert!(emulator.inject(Fault::new(FaultKind::Reset).times(0)).is_err());
    let start = Emulator::builder().fault(Fault::new(FaultKind::Reset).probability(2.0)).start().await;
    assert!(start.unwrap_err().to_string().contains("`probability` must be a number from 0 to 1"));
    let many = (0..1001).fold(Emulator::builder(), |builder, _| builder.fault(Fault::new(FaultKind::Reset)));
    assert!(many.start().await.unwrap_err().to_string().contains("more than 1,000 faults"));
    let wrong = admin(&emulator, "PATCH", "/clock", Some(json!({ "rate": "fast" }))).await;
    assert_eq!(wrong.json()["error"], "`rate`: line 1, column 14: must be a number, not text");
    assert_eq!(wrong.json()["zh"]["error"], "`rate`：第 1 行第 14 列：须为数字，而不是文本");
    let mut snapshot: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
    snapshot["faults"]["list"] = json!([{ "fault": { "padded": u64::MAX } }]);
    let error = emulator.restore(&snapshot.to_string()).unwrap_err().to_string();
    assert!(
        error.contains("the faults: `padded` must be a whole number of bytes from 0 to 67108864"),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_does_not_show_the_name_of_a_field_that_may_be_personal() {
    let emulator = emulator().await;
    for personal in ["13900000000", "李四"] {
        let refused = admin(&emulator, "PATCH", "/clock", Some(json!({ personal: 1 }))).await;
        assert!(refused.status == 400 && !refused.text.contains(personal), "{refused:?}");
        assert!(
            refused.json()["error"].as_str().unwrap().contains("unknown field `[redacted]`"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn requires_the_token_off_loopback() {
    let emulator = start(Emulator::builder().host(Ipv4Addr::UNSPECIFIED.into()).admin_token("tok")).await;
    let url = format!("http://127.0.0.1:{}/_emu/", emulator.address().port());
    let info = format!("{url}v1/info");
    let info = async |token| send(|http| http.get(&info).bearer_auth(token)).await;
    assert_eq!(info("wrong").await.status, 401);
    assert_eq!(info("tok").await.status, 200);
    assert_eq!(get_page(&format!("{url}ui")).await.status, 401);
    let opened = get_page(&format!("{url}ui?token=tok")).await;
    let cookie = opened.header("set-cookie").to_owned();
    assert!(opened.status == 200 && cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(send(|http| http.get(format!("{url}v1/info")).header("cookie", cookie)).await.status, 200);
    let random = start(Emulator::builder().host(Ipv4Addr::UNSPECIFIED.into())).await;
    assert_eq!(random.admin_token().map(str::len), Some(32));
    assert_eq!(super::support::emulator().await.admin_token(), None);
}

#[tokio::test]
async fn refuses_cross_origin_admin_requests() {
    let emulator = emulator().await;
    let reset = format!("{}/_emu/v1/reset", emulator.url());
    assert_eq!(send(|http| http.post(&reset).header("origin", "https://evil.example")).await.status, 403);
    assert_eq!(send(|http| http.post(&reset).header("host", "rebound.example")).await.status, 403);
    assert_eq!(send(|http| http.post(&reset).header("origin", emulator.url())).await.status, 204);
}

#[tokio::test]
async fn sends_events_of_changes() {
    let emulator = emulator().await;
    let mut events = reqwest::get(format!("{}/_emu/v1/events", emulator.url())).await.unwrap();
    admin(&emulator, "POST", "/sessions", Some(json!({}))).await;
    let chunk = tokio::time::timeout(Duration::from_secs(5), events.chunk()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8_lossy(&chunk);
    assert!(text.contains("event: changed") && text.contains(r#"{"what":"sessions"}"#), "{text}");
}
