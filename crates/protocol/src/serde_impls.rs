//! `Serialize` and `Deserialize` for identifiers and codes (feature `serde`).
//!
//! Each is written exactly as on the wire, and read with the checks of its constructor. Types that hold personal data or
//! secrets have neither.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::codes::{ClientCode, Code, GatewayCode, Passed, SubCode};
use crate::reply::RequestId;
use crate::values::order::{CertifyId, OuterOrderNo, SceneId};

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(CertifyId, OuterOrderNo, RequestId, ClientCode, Code, GatewayCode, Passed, SubCode);

impl Serialize for SceneId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl<'de> Deserialize<'de> for SceneId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
