//! Parameters with a fixed set of words. The enums are open: a word newer than this crate is sent as `Other`.

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
            /// A word unknown to this crate, sent unchanged.
            Other(Box<str>),
        }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(word) => word,
                }
            }
        }
    };
}

choice! {
    /// `ProductCode`: the verification scheme.
    ProductCode {
        /// Liveness and comparison with the authoritative source. The only scheme of the web flow.
        IdPro = "ID_PRO",
        /// With ID card photographs.
        IdPlus = "ID_PLUS",
        /// With a spoken statement of intent.
        Mfvc = "MFVC",
        /// Comparison with your own picture.
        PvFv = "PV_FV",
        /// Liveness only.
        LrFr = "LR_FR",
    }
}

choice! {
    /// `CertifyUrlType`: the device type of the link (web SDK only).
    CertifyUrlType {
        /// A desktop browser.
        Web = "WEB",
        /// A mobile browser.
        H5 = "H5",
    }
}

choice! {
    /// `CertifyUrlStyle`: the length of the link.
    CertifyUrlStyle {
        /// A short link, the default. Some browsers fail on it.
        Short = "S",
        /// The full link. Required for an iframe.
        Long = "L",
    }
}

choice! {
    /// `Model`: what the person is asked to do.
    Model {
        /// Blink; the default.
        Liveness = "LIVENESS",
        /// Blink under coloured light.
        PhotinusLiveness = "PHOTINUS_LIVENESS",
        /// Several movements.
        MultiAction = "MULTI_ACTION",
        /// Move nearer and farther; recommended by the vendor.
        MoveAction = "MOVE_ACTION",
        /// Move nearer and farther under coloured light.
        MovePhotinus = "MOVE_PHOTINUS",
        /// Several movements under coloured light (web page).
        MultiPhotinus = "MULTI_PHOTINUS",
        /// Several movements with a puzzle (web page).
        MultiFaptcha = "MULTI_FAPTCHA",
    }
}

choice! {
    /// `ProcedurePriority`: what a mobile page does in a browser without WebRTC or WASM.
    ProcedurePriority {
        /// Offers the link for another browser; the default.
        Url = "url",
        /// Stays, with the features that the browser has.
        Keep = "keep",
        /// Falls back to a recorded video, which turns off `Model` and `VideoEvidence`.
        Video = "video",
    }
}

choice! {
    /// `FaceGuardOutput`: additional output (at extra cost).
    FaceGuardOutput {
        /// Device risk labels.
        DeviceRisk = "DeviceRisk",
    }
}

choice! {
    /// `SuitableType`: a mode for elderly people (`LIVENESS` and `MULTI_ACTION` only). The vendor documents only
    /// the values 0, 1 and 2.
    SuitableType {
        /// `0`.
        Zero = "0",
        /// `1`.
        One = "1",
        /// `2`.
        Two = "2",
    }
}
