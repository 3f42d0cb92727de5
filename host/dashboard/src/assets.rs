//! The files of the page, in the program.

/// A file of the page.
pub(crate) struct Asset {
    /// Its path beneath `/dashboard/`.
    pub(crate) name: &'static str,
    /// What is in it.
    pub(crate) text: &'static str,
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { name: $name, text: include_str!(concat!("../assets/", $name)) }),*]
    };
}

/// All of them.
pub(crate) const ASSETS: &[Asset] = assets![
    "css/page.css",
    "css/panels.css",
    "css/parts.css",
    "css/theme.css",
    "icon.svg",
    "index.html",
    "js/actions/rows.js",
    "js/actions/servers.js",
    "js/actions/shadow.js",
    "js/actions/swap.js",
    "js/api.js",
    "js/dialog.js",
    "js/dom.js",
    "js/format.js",
    "js/identity.js",
    "js/main.js",
    "js/panels/dense.js",
    "js/panels/events.js",
    "js/panels/load.js",
    "js/panels/plot.js",
    "js/panels/plugins.js",
    "js/panels/replica.js",
    "js/panels/ring.js",
    "js/panels/servers.js",
    "js/panels/shards.js",
    "js/panels/summary.js",
    "js/panels/traffic.js",
    "js/rows.js",
    "js/sse.js",
    "js/stream.js",
    "js/theme.js",
    "js/token.js",
];

/// The file of that name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Its type, by its name.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}
