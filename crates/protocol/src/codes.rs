//! The service's codes: meaning, who must act, and what to do next, in Chinese and English.
//! Codes come from two layers: the gateway answers with words ([`GatewayCode`]), the product with numbers ([`Code`], and
//! [`SubCode`] in a result). All enums are open: an unknown value is kept as received.
//! Each row names its source ([`Source`]). `cargo xtask codes` writes `docs/codes.md` and `docs/zh/codes.md` from these
//! rows; `cloudauth codes` prints them.

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

/// A text in both languages.
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
    /// No action needed.
    Nobody,
    /// The calling software, automatically: wait, retry, sign again.
    Software,
    /// The developer of the calling software.
    Developer,
    /// The operator of the Alibaba Cloud account: console, permissions, billing.
    Operator,
    /// The person being verified.
    EndUser,
    /// Your reviewer, who examines the case.
    Reviewer,
    /// The vendor.
    Vendor,
}

impl Actor {
    /// The actor's name.
    #[must_use]
    pub const fn name(self) -> Bilingual {
        match self {
            Self::Nobody => Bilingual { zh: "无需处理", en: "no action needed" },
            Self::Software => Bilingual { zh: "程序自动处理", en: "software" },
            Self::Developer => Bilingual { zh: "开发者", en: "developer" },
            Self::Operator => Bilingual { zh: "账号管理员", en: "account operator" },
            Self::EndUser => Bilingual { zh: "终端用户", en: "end user" },
            Self::Reviewer => Bilingual { zh: "复核人员", en: "reviewer" },
            Self::Vendor => Bilingual { zh: "阿里云", en: "vendor" },
        }
    }
}

/// The source of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The vendor's help page of the web flow, on which this project is based.
    Page,
    /// Another help page, the API metadata or an SDK of the vendor.
    Vendor,
    /// General knowledge of the gateway, not confirmed by a page of the vendor.
    Unverified,
}

impl Source {
    /// The source's name.
    #[must_use]
    pub const fn name(self) -> Bilingual {
        match self {
            Self::Page => Bilingual { zh: "H5 接入文档", en: "web flow page" },
            Self::Vendor => Bilingual { zh: "阿里云其他资料", en: "other vendor source" },
            Self::Unverified => Bilingual { zh: "未经证实", en: "unverified" },
        }
    }
}

/// The manual's entry for one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manual {
    /// The code on the wire.
    pub code: &'static str,
    /// The vendor's message for the code.
    pub vendor_text: &'static str,
    /// The meaning.
    pub meaning: Bilingual,
    /// Who must act.
    pub actor: Actor,
    /// The next step.
    pub next: Bilingual,
    /// The source of this entry.
    pub source: Source,
}

/// Defines an open enum of codes with its manual.
macro_rules! open_code {
    ($(#[$doc:meta])* $name:ident { $(
        $variant:ident = $wire:literal $vendor:literal, $actor:ident, $source:ident,
        $zh:literal / $en:literal, $next_zh:literal / $next_en:literal;
    )* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $wire, "`: ", $en, ".")] $variant,)*
            /// A code unknown to this crate, as received.
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

            /// Reads the code as on the wire. An unknown one becomes `Other`.
            #[must_use]
            pub fn from_wire(code: &str) -> Self {
                match code {
                    $($wire => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }

            /// The code on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(code) => code,
                }
            }
        }

        /// Reads the code as on the wire. Never fails: an unknown one becomes `Other`.
        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                Ok(Self::from_wire(code))
            }
        }

        /// The code, safe to log: an unknown one that does not look like a code is `(unprintable)`, and long runs of
        /// digits are masked. Use `as_str` for the exact text.
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
