//! The example shop, end to end.

#![cfg(test)]
#![allow(dead_code, unreachable_pub, reason = "the example is a program of its own")]

use std::sync::Mutex;

use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{CallbackKeys, Client, Credentials, ReqwestTransport, SceneId};
use cloudauth_emulator::{Emulator, id_number};

#[path = "../crates/cloudauth/examples/shop.rs"]
mod example;

#[tokio::test]
async fn shop_sends_people_to_the_service_and_decides_when_they_return() {
    let emulator = Emulator::builder().start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), by);
    let shop = example::Shop {
        client: client.endpoint(emulator.url().parse().unwrap()).build(),
        policy: LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap()),
        keys: CallbackKeys::new(&[1; 32]).unwrap(),
        scene: SceneId::new(1_000_000_006).unwrap(),
        url: format!("http://{}", listener.local_addr().unwrap()),
        script: format!("{}/jsvm_all.js", emulator.url()),
        orders: Mutex::default(),
    };
    let url = shop.url.clone();
    tokio::spawn(async move { axum::serve(listener, example::router(shop)).await });

    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let verify = async |number: String, form: &'static str| {
        let person = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", "张三"), ("number", &number), ("meta_info", r#"{"zimVer":"3.0.0"}"#)])
            .finish();
        let sent =
            browser.post(format!("{url}/verify")).header("content-type", "application/x-www-form-urlencoded");
        // Over the short link to the page, and back to the shop.
        let page = sent.body(person).send().await.unwrap();
        assert!(page.url().path().starts_with("/h5/"), "{}", page.url());
        let done = browser.post(format!("{}/submit", page.url())).body(form).send().await.unwrap();
        assert!(done.url().as_str().starts_with(&format!("{url}/return/")), "{}", done.url());
        done.text().await.unwrap()
    };
    let passes = id_number("19850505", 1).unwrap();
    assert!(verify(passes.clone(), "").await.contains("approve: "));
    assert!(verify(passes, "sub_code=205").await.contains("reject: "));
    assert!(verify(id_number("20010101", 9).unwrap(), "").await.contains("pending: "));

    let refused =
        browser.post(format!("{url}/verify")).header("content-type", "application/x-www-form-urlencoded");
    let refused = refused.body("name=a&number=1&meta_info=x").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert_eq!(text, "Please check what you entered.", "no input is repeated");
}
