//! The end user's page and the picture, in a browser without scripts.

use std::time::Duration;

use cloudauth::{CertifyUrlStyle, Code, FaceVerifyStatus, Outcome, ReturnHint};
use cloudauth_emulator::Emulator;
use serde_json::json;

use crate::support::*;

/// Returns the URL of the page of a short or long link.
async fn page_of(emulator: &Emulator, link: &str) -> String {
    let first = get_page(link).await;
    match first.status {
        302 => format!("{}{}", emulator.url(), first.header("location")),
        _ => link.to_owned(),
    }
}

#[tokio::test]
async fn links_are_short_by_default() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    let short = link(&begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await);
    let long = init("b", "999999199001012003", RETURN_URL).certify_url_style(CertifyUrlStyle::Long);
    let long = link(&begin(&shop, &long).await);
    assert!(
        short.contains("/s/") && short.len() + 20 < long.len() && long.contains("/h5/"),
        "{short} {long}"
    );
    let page = page_of(&emulator, &short).await;
    assert_eq!((get_page(&page).await.status, get_page(&long).await.status), (200, 200));
    assert_eq!(get_page(&format!("{}/s/unknown", emulator.url())).await.status, 404);
}

#[tokio::test]
async fn the_page_has_a_banner_and_allows_only_its_own_scripts() {
    let emulator = emulator().await;
    let session = begin(&shop(&emulator), &init("a", &magic("19900101", 204), RETURN_URL)).await;
    let page = page_of(&emulator, &link(&session)).await;
    let got = get_page(&page).await;
    assert!(got.text.contains("EMULATOR") && got.text.contains("SubCode 204"), "{}", got.text);
    assert!(!got.text.contains("张三") && !got.text.contains("999999"), "the page contains no personal data");
    let policy = got.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(policy.contains("form-action 'self' https://shop.example;"), "{policy}");
    assert_eq!(got.header("cache-control"), "no-store");
    // The banner of every page is text and links to the languages: nothing closes it.
    for page in [got.text.clone(), get_page(&format!("{}/_emu/ui", emulator.url())).await.text] {
        let banner =
            page.split("<header id=\"banner\">").nth(1).and_then(|rest| rest.split("</header>").next());
        let banner = banner.unwrap();
        assert!(
            banner.contains("EMULATOR") && !banner.contains("<button") && !banner.contains("<input"),
            "{banner}"
        );
    }
    let chinese = send(|http| http.get(format!("{page}?lang=zh"))).await;
    assert!(chinese.text.contains("模拟器") && chinese.text.contains("lang=\"zh"), "{}", chinese.text);
    let weight: usize = got.text.len()
        + get_page(&format!("{}/_emu/assets/base.css", emulator.url())).await.text.len()
        + get_page(&format!("{}/_emu/assets/h5.css", emulator.url())).await.text.len()
        + get_page(&format!("{}/_emu/assets/h5.js", emulator.url())).await.text.len();
    assert!(weight < 30 << 10, "{weight} bytes");
}

#[tokio::test]
async fn the_shop_gets_the_outcome_chosen_on_the_page() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    for (form, passed, score) in [
        ("", true, Some(88.25)),
        ("sub_code=&verify_score=69.9", false, Some(69.9)),
        ("sub_code=210", true, Some(88.25)),
        ("sub_code=203", false, None),
        ("sub_code=205&verify_score=99.5", false, Some(99.5)),
    ] {
        let session = begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await;
        let page = page_of(&emulator, &link(&session)).await;
        assert_eq!(post_form(&format!("{page}/submit"), form).await.status, 303);
        let FaceVerifyStatus::Finished(result) = describe(&shop, &session.certify_id).await.unwrap() else {
            panic!()
        };
        assert_eq!(result.outcome() == Outcome::Passed, passed, "{form}");
        let material = result.material_info.parse().unwrap();
        assert_eq!(material.facial_picture_front.verify_score.value(), score, "{form}");
        // A reset, because 203 blocks the identity.
        emulator.reset();
    }
    let session = begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await;
    let page = page_of(&emulator, &link(&session)).await;
    assert_eq!(post_form(&format!("{page}/submit"), "verify_score=101").await.status, 400);
    assert_eq!(post_form(&format!("{page}/submit"), "sub_code=<b>").await.status, 400);
}

#[tokio::test]
async fn a_used_or_expired_link_shows_its_state() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    for (what, status, then, words) in [
        ("submit", 303, 409, "data-state=\"used\""),
        ("cancel", 303, 409, "data-state=\"used\""),
        ("expire", 303, 410, "data-state=\"expired\""),
    ] {
        let session = begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await;
        let page = page_of(&emulator, &link(&session)).await;
        let done = post_form(&format!("{page}/{what}"), "").await;
        assert_eq!(done.status, status, "{what}");
        let got = get_page(&page).await;
        assert!(got.status == then && got.text.contains(words), "{what}: {got:?}");
        for again in ["submit", "cancel", "expire"] {
            assert_eq!(post_form(&format!("{page}/{again}"), "").await.status, then, "{what}, then {again}");
        }
        let pending =
            matches!(describe(&shop, &session.certify_id).await.unwrap(), FaceVerifyStatus::Pending(_));
        assert_eq!(pending, what != "submit");
        if what == "cancel" {
            assert_eq!(ReturnHint::parse(done.header("location")).unwrap().code().as_str(), "1003");
        }
    }
}

#[tokio::test]
async fn the_return_url_keeps_query_fragment_and_route() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    for (return_url, front) in [
        ("https://shop.example/back", "https://shop.example/back?response="),
        ("https://shop.example/back?a=1#part", "https://shop.example/back?a=1&response="),
        ("https://shop.example/app#/done", "https://shop.example/app#/done?response="),
        ("https://shop.example/app?x=1#!/done?a=1", "https://shop.example/app?x=1#!/done?a=1&response="),
    ] {
        let session = begin(&shop, &init("a", "999999199001012003", return_url)).await;
        let page = page_of(&emulator, &link(&session)).await;
        let done = post_form(&format!("{page}/submit"), "").await;
        let back = done.header("location");
        assert!(back.starts_with(front), "{back}");
        assert_eq!(back.ends_with("#part"), return_url.ends_with("#part"));
        let hint = ReturnHint::parse(back).unwrap();
        assert_eq!((hint.code().as_str(), hint.claimed_certify_id()), ("1000", Some(&session.certify_id)));
    }
}

#[tokio::test]
async fn iframe_mode_posts_a_message() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    let op = init("a", "999999199001012003", "iframe").certify_url_style(CertifyUrlStyle::Long);
    let session = begin(&shop, &op).await;
    let page = link(&session);
    let done = post_form(&format!("{page}/submit"), "").await;
    assert_eq!(format!("{}{}", emulator.url(), done.header("location")), format!("{page}?lang=en"));
    let got = get_page(&page).await;
    assert!(got.text.contains("data-state=\"done\""), "{}", got.text);
    assert!(got.header("content-security-policy").ends_with("frame-ancestors *"));
    let text = got.text.replace("&quot;", "\"").replace("&#34;", "\"");
    let inside = text.split("{\"code").nth(1).and_then(|rest| rest.split("Z5050\"}").next()).unwrap();
    let message = format!("{{\"code{inside}Z5050\"}}");
    let hint = ReturnHint::parse_message(&message).unwrap();
    assert_eq!((hint.code().as_str(), hint.claimed_certify_id()), ("1000", Some(&session.certify_id)));
}

#[tokio::test]
async fn a_picture_url_is_valid_for_fifteen_minutes() {
    let emulator = start(Emulator::builder().clock(stopped())).await;
    let shop = shop(&emulator);
    let session = begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await;
    let page = page_of(&emulator, &link(&session)).await;
    post_form(&format!("{page}/submit"), "").await;
    let FaceVerifyStatus::Finished(result) = describe(&shop, &session.certify_id).await.unwrap() else {
        panic!()
    };
    let material = result.material_info.parse().unwrap();
    let url = material.facial_picture_front.picture_url.unwrap().expose().to_owned();
    let raw = reqwest::get(&url).await.unwrap().bytes().await.unwrap();
    assert!(raw.starts_with(&[0xff, 0xd8, 0xff]), "a JPEG");
    assert_eq!(
        send(|http| http.get(url.replace("Expires=1", "Expires=2"))).await.status,
        403,
        "the expiry is signed"
    );
    emulator.advance(Duration::from_secs(15 * 60)).await;
    assert_eq!(send(|http| http.get(&url)).await.status, 200);
    emulator.advance(Duration::from_secs(1)).await;
    let dead = send(|http| http.get(&url)).await;
    assert!(dead.status == 403 && dead.text.contains("expired"), "{dead:?}");
}

#[tokio::test]
async fn too_many_failures_are_refused_until_the_next_day() {
    let emulator = start(Emulator::builder().clock(stopped()).failures_per_day(2)).await;
    let shop = shop(&emulator);
    let number = magic("19900101", 204);
    for _ in 0..2 {
        let session = begin(&shop, &init("a", &number, RETURN_URL)).await;
        let page = page_of(&emulator, &link(&session)).await;
        post_form(&format!("{page}/submit"), "").await;
    }
    let refused = shop.init_face_verify(&init("a", &number, RETURN_URL)).await.unwrap_err();
    assert_eq!(refused.code(), Some(&Code::TooManyAttempts));
    begin(&shop, &init("a", &magic("19900101", 205), RETURN_URL)).await;
    let of_the_day = (emulator.clock().now().as_secs() + 8 * 3600) % 86_400;
    emulator.advance(Duration::from_secs(86_400 - 1 - of_the_day)).await;
    assert!(
        shop.init_face_verify(&init("a", &number, RETURN_URL)).await.is_err(),
        "a second before midnight in China"
    );
    emulator.advance(Duration::from_secs(1)).await;
    begin(&shop, &init("a", &number, RETURN_URL)).await;
}

#[tokio::test]
async fn a_short_link_accepts_forms_too() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    let session = begin(&shop, &init("a", "999999199001012003", RETURN_URL)).await;
    let link = link(&session);
    assert!(link.contains("/s/"), "{link}");
    assert_eq!(post_form(&format!("{link}/submit"), "sub_code=204").await.status, 303);
    assert_eq!(describe(&shop, &session.certify_id).await.unwrap().outcome(), Outcome::NotPassed);
    for (way, status) in [("cancel", 303), ("expire", 303), ("dance", 404)] {
        let session = begin(&shop, &init("b", "999999199001012003", RETURN_URL)).await;
        assert_eq!(post_form(&format!("{}/{way}", self::link(&session)), "").await.status, status, "{way}");
    }
}

#[tokio::test]
async fn a_test_finishes_a_session_in_one_line() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    let (url, queries) = receiver(&[200]).await;
    let op = calling_back(init("a", "999999199001012003", RETURN_URL), &url);
    let session = begin(&shop, &op).await;
    emulator.finish(&session.certify_id, cloudauth_emulator::SessionOutcome::with_sub_code("204")).unwrap();
    emulator.settle().await;
    let called = queries.lock().unwrap().last().unwrap().clone();
    assert!(called.contains("passed=204"), "{called}");
    assert_eq!(describe(&shop, &session.certify_id).await.unwrap().outcome(), Outcome::NotPassed);
    let again = emulator.finish(&session.certify_id, cloudauth_emulator::SessionOutcome::pass()).unwrap_err();
    assert!(again.to_string().contains("submitted already"), "{again}");
}

#[tokio::test]
async fn encodes_spaces_and_non_ascii_in_the_location() {
    let emulator = emulator().await;
    let session =
        admin(&emulator, "POST", "/sessions", Some(json!({ "return_url": "https://shop.example/回 a" })));
    let link = session.await.json()["link"].as_str().unwrap().to_owned();
    let left = post_form(&format!("{link}/submit"), "").await;
    assert!(left.header("location").starts_with("https://shop.example/%E5%9B%9E%20a?response="), "{left:?}");
}
