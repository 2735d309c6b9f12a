//! Personal data and parameters from a JSON file or standard input, so that no process list shows them.

use std::fmt;
use std::path::Path;

use cloudauth::{
    CertName, CertNo, Identity, InitFaceVerify, Ip, MetaInfo, Mobile, OuterOrderNo, ReturnUrl, SceneId,
    UserId,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::text;
use crate::words::calls;

/// The members of a JSON object, duplicates included.
struct Members(Vec<(String, Value)>);

/// Reads a JSON object without duplicate members: one reader would take the first, another the last. Errors name the file,
/// never its content.
pub(crate) fn read_object(file: &Path) -> Result<Map<String, Value>, Failure> {
    let members: Result<Members, _> = serde_json::from_str(&text::read(file)?);
    let Members(members) = members.map_err(|_| Failure::usage(calls::not_an_object(file.display())))?;
    let mut object = Map::new();
    for (name, value) in members {
        if object.insert(name, value).is_some() {
            return Err(Failure::usage(calls::duplicate_member(file.display())));
        }
    }
    Ok(object)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collector;
        impl<'de> Visitor<'de> for Collector {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Collector)
    }
}

/// The text of a value: a string as it is, anything else as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An `InitFaceVerify` of the person in a file.
pub(crate) fn init_face_verify(
    scene_id: SceneId,
    order_no: OuterOrderNo,
    return_url: ReturnUrl,
    file: &Path,
) -> Result<InitFaceVerify, Failure> {
    const FIELDS: [&str; 6] = ["CertName", "CertNo", "MetaInfo", "Mobile", "Ip", "UserId"];
    let fields = read_object(file)?;
    // The keys are not quoted: a user may have swapped keys and values.
    if fields.keys().any(|key| !FIELDS.contains(&key.as_str())) {
        return Err(Failure::usage(calls::allowed_fields(file.display(), &FIELDS.join(", "))));
    }
    let find = |name: &str| fields.get(name).filter(|value| !value.is_null()).map(text_of);
    let need =
        |name: &str| find(name).ok_or_else(|| Failure::usage(calls::missing_field(file.display(), name)));
    let name = CertName::new(&need("CertName")?).map_err(Failure::usage)?;
    let number = CertNo::new(&need("CertNo")?).map_err(Failure::usage)?;
    let meta_info = MetaInfo::new(&need("MetaInfo")?).map_err(Failure::usage)?;
    let mut op =
        InitFaceVerify::new(scene_id, order_no, Identity::plain(name, number), return_url, meta_info);
    if let Some(mobile) = find("Mobile") {
        op = op.mobile(Mobile::new(&mobile).map_err(Failure::usage)?);
    }
    if let Some(ip) = find("Ip") {
        op = op.ip(Ip::new(ip.parse().map_err(|_| Failure::usage(calls::NOT_AN_IP))?));
    }
    if let Some(user_id) = find("UserId") {
        op = op.user_id(UserId::new(&user_id).map_err(Failure::usage)?);
    }
    Ok(op)
}
