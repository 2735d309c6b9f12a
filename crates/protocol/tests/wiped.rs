//! Searches the memory of this process for the personal data of a request that was dropped. A separate test binary with one
//! test, because a second test would put personal data into the same memory.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

use cloudauth_protocol::{
    AuthId, Body, Callback, CallbackToken, CertName, CertNo, Credentials, DescribeFaceVerify, Endpoint,
    FaceVerifyStatus, Identity, InitFaceVerify, MetaInfo, Mobile, Nonce, OuterOrderNo, ParamLocation,
    ReturnUrl, SceneId, Signing, Stamp, UnixTime, UserId, parse, prepare,
};
use zeroize::Zeroizing;

/// A value in disguise, so that the test's own copy is not found.
struct Planted(&'static [u8]);

const MASK: u8 = 0xa5;

const fn masked<const N: usize>(text: &[u8; N]) -> [u8; N] {
    let mut masked = *text;
    let mut rest: &mut [u8] = &mut masked;
    while let [byte, tail @ ..] = rest {
        *byte ^= MASK;
        rest = tail;
    }
    masked
}

macro_rules! planted {
    ($text:literal) => {
        Planted(const { &masked($text) })
    };
}

impl Planted {
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len()));
        let mut bytes = Zeroizing::new([0; 4]);
        for byte in self.0 {
            // UTF-8 sequences are assembled byte by byte, without another copy of the text.
            bytes.rotate_left(1);
            bytes[3] = byte ^ MASK;
            for len in 1..=4 {
                if let Ok(one) = std::str::from_utf8(&bytes[4 - len..]) {
                    if one.chars().count() == 1 {
                        text.push_str(one);
                        *bytes = [0xff; 4];
                    }
                    break;
                }
            }
        }
        text
    }
}

const NAME: Planted = planted!(b"\xe6\xac\xa7\xe9\x98\xb3\xe5\xbc\xa0\xe4\xb8\x89\xe4\xb8\xb0");
const NUMBER: Planted = planted!(b"999999199001012046");
const MOBILE: Planted = planted!(b"13999999999");
const META_INFO: Planted = planted!(br#"{"zimVer":"3.0.0","token":"PlantedMetaInfoPlantedMetaInfo"}"#);
const USER: Planted = planted!(b"PlantedUserIdPlantedUserIdPlantedUserId");
const AUTH: Planted = planted!(b"PlantedAuthIdPlantedAuthIdPlantedAuthId");
const TOKEN: Planted = planted!(b"PlantedTokenPlantedTokenPlantedToken");
const EXTRA: Planted = planted!(b"PlantedExtraPlantedExtraPlantedExtra");
const USER_INFO: Planted = planted!(b"PlantedUserInfoPlantedUserInfoPlantedUserInfo");
const IDENTITY: Planted = planted!(b"PlantedIdentityInfoPlantedIdentityInfo");
const DEVICE: Planted = planted!(b"PlantedDeviceTokenPlantedDeviceToken");
const MATERIAL: Planted = planted!(b"PlantedMaterialPlantedMaterialPlantedMaterial");
const PICTURE: Planted = planted!(b"PlantedPicturePlantedPicturePlantedPicture");
const MESSAGE: Planted = planted!(b"PlantedMessagePlantedMessagePlantedMessage");

/// What is searched for: the ends of the values, because an allocator overwrites the first bytes of freed memory.
const WANTED: [(&str, Planted); 16] = [
    ("the name", planted!(b"\xe9\x98\xb3\xe5\xbc\xa0\xe4\xb8\x89\xe4\xb8\xb0")),
    ("the encoded name", planted!(b"%E9%98%B3%E5%BC%A0")),
    ("the double-encoded name", planted!(b"%25E9%2598%25B3%25E5%25BC%25A0")),
    ("the ID number", planted!(b"99199001012046")),
    ("the mobile number", planted!(b"13999999999")),
    ("MetaInfo", planted!(b"PlantedMetaInfo")),
    ("UserId", planted!(b"PlantedUserId")),
    ("AuthId", planted!(b"PlantedAuthId")),
    ("CallbackToken", planted!(b"PlantedToken")),
    ("an extra parameter", planted!(b"PlantedExtra")),
    ("UserInfo", planted!(b"PlantedUserInfo")),
    ("IdentityInfo", planted!(b"PlantedIdentityInfo")),
    ("DeviceToken", planted!(b"PlantedDeviceToken")),
    ("MaterialInfo", planted!(b"PlantedMaterial")),
    ("PictureUrl", planted!(b"PlantedPicture")),
    ("the vendor's message", planted!(b"PlantedMessage")),
];

/// The wanted texts in the memory that this process can write.
fn found() -> Vec<&'static str> {
    const OVERLAP: usize = 64;
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut found: Vec<&str> = Vec::new();
    for line in read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        while at < end {
            let len = buffer.len().min(usize::try_from(end - at).unwrap());
            // A part of a stack that was never touched cannot be read.
            let Ok(len @ 1..) = memory.read_at(&mut buffer[..len], at) else { break };
            found.extend(search(&buffer[..len]));
            buffer[..len].fill(0);
            at += if len > OVERLAP { len - OVERLAP } else { len } as u64;
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The wanted texts in `memory`, of which most is zero.
fn search(memory: &[u8]) -> Vec<&'static str> {
    const BLOCK: usize = 4096;
    let begins = |byte: u8| WANTED.iter().any(|(_, wanted)| wanted.0[0] == byte ^ MASK);
    let starts: [bool; 256] = std::array::from_fn(|byte| begins(byte as u8));
    let mut found = Vec::new();
    for (number, block) in memory.chunks(BLOCK).enumerate() {
        if *block == [0; BLOCK][..block.len()] {
            continue;
        }
        for (at, _) in block.iter().enumerate().filter(|(_, byte)| starts[usize::from(**byte)]) {
            let rest = &memory[number * BLOCK + at..];
            let is = |wanted: &Planted| {
                wanted.0.len() <= rest.len() && wanted.0.iter().zip(rest).all(|(a, b)| *a == b ^ MASK)
            };
            found.extend(WANTED.iter().filter(|(_, wanted)| is(wanted)).map(|(what, _)| *what));
        }
    }
    found
}

fn init() -> InitFaceVerify {
    InitFaceVerify::new(
        SceneId::new(1_000_000_006).unwrap(),
        OuterOrderNo::new("order1").unwrap(),
        Identity::plain(CertName::new(&NAME.text()).unwrap(), CertNo::new(&NUMBER.text()).unwrap()),
        ReturnUrl::new("https://shop.example/back").unwrap(),
        MetaInfo::new(&META_INFO.text()).unwrap(),
    )
    .mobile(Mobile::new(&MOBILE.text()).unwrap())
    .user_id(UserId::new(&USER.text()).unwrap())
    .auth_id(AuthId::new(&AUTH.text()).unwrap())
    .callback_token(CallbackToken::new(&TOKEN.text()).unwrap())
    .extra(ParamLocation::Query, "EnableBeauty", &EXTRA.text())
}

#[test]
fn no_personal_data_stays_in_memory_after_a_request_and_a_response_are_dropped() {
    assert_eq!(found(), [""; 0], "before anything is planted");
    let by = Credentials::temporary("testid", "testsecret", "testtoken").unwrap();
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let op = init();
        let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
        let request = prepare(&op, &Endpoint::cn_shanghai(), &by, signing, stamp).unwrap();
        let living = found();
        for what in ["the name", "the encoded name", "the ID number", "an extra parameter"] {
            assert!(living.contains(&what), "the search misses {what}");
        }
        drop((op, request));
        assert_eq!(found(), [""; 0], "after {signing:?}");
    }

    // A text with an escape has its own memory. The second document is left to serde_json, because of the escape in a name.
    for escape in ["", r#"\""#, r"\n", r"\u00e9", r"\b"] {
        for rest in [r#""}}"#, r#"","unusu\u0061l":1}}"#] {
            let response = http::Response::new(Body::from(finished(escape, rest)));
            let reply = parse::<DescribeFaceVerify>(&response).unwrap();
            let FaceVerifyStatus::Finished(result) = reply.output else { panic!("no result") };
            let material = result.material_info.parse().unwrap();
            assert!(material.facial_picture_front.picture_url.is_some());
            assert_eq!(found(), ["DeviceToken", "IdentityInfo", "MaterialInfo", "PictureUrl", "UserInfo"]);
            drop(material);
            drop((response, result));
            overwrite_stack();
            assert_eq!(found(), [""; 0], "after a response with {escape:?}");
        }
    }
    for (before, after) in [
        (r#"{"Code":"SignatureDoesNotMatch","Message":""#, r#""}"#),
        (r#"{"Code":"SignatureDoesNotMatch","Message":"\n"#, r#""}"#),
        (r#"{"Code":"417","Message":"\""#, r#""}"#),
        ("<Error><Code>SignatureDoesNotMatch</Code><Message>&amp;", "&amp;more&amp;more</Message></Error>"),
    ] {
        let mut document = String::with_capacity(512);
        [before, &MESSAGE.text(), after].iter().for_each(|part| document.push_str(part));
        let response = http::Response::new(Body::from(document));
        let error = parse::<DescribeFaceVerify>(&response).unwrap_err();
        assert_eq!(found(), ["the vendor's message"]);
        drop((response, error));
        overwrite_stack();
        assert_eq!(found(), [""; 0], "after {before:?}");
    }

    // The token, a token that is not UTF-8, and a field that is ignored.
    for (before, after) in [("callbackToken=", ""), ("callbackToken=", "%ff%ff"), ("other=%ff&more=", "")] {
        let mut query = Zeroizing::new(String::with_capacity(128));
        ["certifyId=sha1&", before, &TOKEN.text(), after].iter().for_each(|part| query.push_str(part));
        let callback = Callback::parse(&query).unwrap();
        assert_eq!(found(), ["CallbackToken"]);
        drop((query, callback));
        overwrite_stack();
        assert_eq!(found(), [""; 0], "after a callback with {before:?} and {after:?}");
    }
}

/// Overwrites the stack that earlier calls used: an unoptimized build keeps there the vectors in which a text was searched.
#[inline(never)]
fn overwrite_stack() {
    std::hint::black_box(&mut [0_u8; 256 << 10]);
}

/// A finished verification whose texts begin with `escape`, with a `MaterialInfo` that outgrows a reader's usual buffer.
fn finished(escape: &str, rest: &str) -> String {
    let mut json = String::with_capacity(32 << 10);
    json.push_str(r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200"#);
    for (name, planted) in [("UserInfo", USER_INFO), ("IdentityInfo", IDENTITY), ("DeviceToken", DEVICE)] {
        [r#"",""#, name, r#"":""#, escape, &planted.text()].iter().for_each(|part| json.push_str(part));
    }
    json.push_str(r#"","MaterialInfo":"{\"name\":\""#);
    json.push_str(&MATERIAL.text());
    json.push_str(r#"\",\"facialPictureFront\":{\"pictureUrl\":\"https://x.example/a?b=1\\u0026c="#);
    json.push_str(&PICTURE.text());
    json.push_str(r#"\",\"more\":\""#);
    (0..1000).for_each(|_| json.push_str("more text "));
    json.push_str(r#"\"}}"#);
    json.push_str(rest);
    json
}
