//! Parameters that are one of a few words. The lists are open: a word that is newer than this crate goes
//! through as `Other`.

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
            /// A word that this crate does not know, sent as it is.
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
    /// `ProductCode`: which verification scheme.
    ProductCode {
        /// Liveness and comparison with the authoritative source; the web flow takes this one alone.
        IdPro = "ID_PRO",
        /// With ID card photographs.
        IdPlus = "ID_PLUS",
        /// With a spoken statement of intent.
        Mfvc = "MFVC",
        /// Comparison with a picture of yours.
        PvFv = "PV_FV",
        /// Liveness alone.
        LrFr = "LR_FR",
    }
}

choice! {
    /// `CertifyUrlType`: what device the link is for (web SDK only).
    CertifyUrlType {
        /// A desktop browser.
        Web = "WEB",
        /// A mobile browser.
        H5 = "H5",
    }
}

choice! {
    /// `CertifyUrlStyle`: how long the link is.
    CertifyUrlStyle {
        /// A short link, the default. Some browsers fail on it.
        Short = "S",
        /// The full link; an iframe needs it.
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
    /// `ProcedurePriority`: what a mobile page does where the browser lacks WebRTC or WASM.
    ProcedurePriority {
        /// Offers the link for another browser; the default.
        Url = "url",
        /// Stays, with what the browser can.
        Keep = "keep",
        /// Falls back to a recorded video, which turns off `Model` and `VideoEvidence`.
        Video = "video",
    }
}

choice! {
    /// `FaceGuardOutput`: what else to report (at extra cost).
    FaceGuardOutput {
        /// Labels of device risk.
        DeviceRisk = "DeviceRisk",
    }
}

choice! {
    /// `SuitableType`: a mode for elderly people (`LIVENESS` and `MULTI_ACTION` only). The vendor gives the
    /// values 0, 1 and 2 and no finer text.
    SuitableType {
        /// `0`.
        Zero = "0",
        /// `1`.
        One = "1",
        /// `2`.
        Two = "2",
    }
}
