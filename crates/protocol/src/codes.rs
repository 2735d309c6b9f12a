//! What the service's codes mean, who must act, and what to do next, in Chinese and English.
//!
//! There are two layers, not to be mixed up: the gateway answers with words ([`GatewayCode`]), the product
//! with numbers ([`Code`], and in a result [`SubCode`]). All are open: an unknown value is kept as it came.
//!
//! Each row says where it comes from ([`Source`]). `cargo xtask codes` writes the tables in `docs/codes.md`
//! from the rows here; `cloudauth codes` prints them.

mod client_code;
mod code;
mod gateway_code;
mod passed;
mod sub_code;

pub use client_code::ClientCode;
pub use code::Code;
pub use gateway_code::GatewayCode;
pub use passed::Passed;
pub use sub_code::SubCode;

/// One text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bilingual {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// Who must act on a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// Nobody: all is well.
    Nobody,
    /// The calling software, by itself: wait, repeat, sign anew.
    Software,
    /// Whoever writes the calling software.
    Developer,
    /// Whoever runs the Alibaba Cloud account: console, rights, bill.
    Operator,
    /// The person who is verified.
    EndUser,
    /// Somebody of yours who looks at the case.
    Reviewer,
    /// The vendor.
    Vendor,
}

impl Actor {
    /// The actor's name.
    #[must_use]
    pub const fn name(self) -> Bilingual {
        match self {
            Self::Nobody => Bilingual { zh: "无需处理", en: "nobody" },
            Self::Software => Bilingual { zh: "程序自动", en: "software" },
            Self::Developer => Bilingual { zh: "开发者", en: "developer" },
            Self::Operator => Bilingual { zh: "账号管理员", en: "account operator" },
            Self::EndUser => Bilingual { zh: "终端用户", en: "end user" },
            Self::Reviewer => Bilingual { zh: "审核人员", en: "reviewer" },
            Self::Vendor => Bilingual { zh: "阿里云", en: "vendor" },
        }
    }
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The help page of the web flow, which this project was made from.
    Page,
    /// Another help page, API metadata or SDK of the vendor.
    Vendor,
    /// General knowledge of the gateway; no page of the vendor's was found that says so.
    Unverified,
}

impl Source {
    /// The source's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "web flow page",
            Self::Vendor => "other vendor source",
            Self::Unverified => "unverified",
        }
    }
}

/// The manual's entry for one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manual {
    /// The code on the wire.
    pub code: &'static str,
    /// The vendor's message beside it.
    pub vendor_text: &'static str,
    /// What it means.
    pub meaning: Bilingual,
    /// Who must act.
    pub actor: Actor,
    /// What to do next.
    pub next: Bilingual,
    /// Where this entry comes from.
    pub source: Source,
}

/// Defines an open enum with a manual.
macro_rules! open_code {
    ($(#[$doc:meta])* $name:ident { $(
        $variant:ident = $wire:literal $vendor:literal, $actor:ident, $source:ident,
        $zh:literal / $en:literal, $next_zh:literal / $next_en:literal;
    )* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $wire, "`: ", $en, ".")] $variant,)*
            /// A code that this crate does not know, as it came.
            Other(Box<str>),
        }

        impl $name {
            /// The manual: every known code, in the vendor's order.
            pub const MANUAL: &'static [$crate::codes::Manual] = &[$($crate::codes::Manual {
                code: $wire,
                vendor_text: $vendor,
                meaning: $crate::codes::Bilingual { zh: $zh, en: $en },
                actor: $crate::codes::Actor::$actor,
                next: $crate::codes::Bilingual { zh: $next_zh, en: $next_en },
                source: $crate::codes::Source::$source,
            }),*];

            /// From the wire. Total: what is not known becomes `Other`.
            #[must_use]
            pub fn from_wire(code: &str) -> Self {
                match code {
                    $($wire => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }

            /// As on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(code) => code,
                }
            }
        }

        /// The code; an unknown one only if it looks like a code, with long runs of digits masked, since it came from
        /// outside.
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&$crate::redact::printable(self.as_str()))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

pub(crate) use open_code;

fn entry(manual: &'static [Manual], code: &str) -> Option<&'static Manual> {
    manual.iter().find(|entry| entry.code == code)
}
