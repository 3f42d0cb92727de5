//! The files of a new plugin, by language and kind.

use std::path::Path;

use super::name::Name;
use super::{File, Kind, Language};

/// A template, as it is in the source of this program.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../templates/", $path))
    };
}

/// Where a file goes in the folder, and what is in it.
type Template = (&'static str, &'static str);

/// The interface, as plugins are built against it.
pub(super) const WIT: [Template; 3] = [
    ("wit/types.wit", include_str!("../../../../../wit/types.wit")),
    ("wit/hash.wit", include_str!("../../../../../wit/hash.wit")),
    ("wit/placement.wit", include_str!("../../../../../wit/placement.wit")),
];

/// What a language has for either kind.
pub(super) struct Kit {
    /// The file that a plugin's author writes in.
    pub(super) source: &'static str,
    /// What must be installed.
    needs: &'static str,
    /// What its plugins must be granted, as an option of `check`.
    pub(super) grant: &'static str,
    files: &'static [Template],
}

const README: Template = ("README.md", template!("README.md"));

const RUST: Kit = Kit {
    source: "src/lib.rs",
    needs: "Rust 1.88 or newer (rustup.rs). `build.sh` has rustup fetch the target for WebAssembly;\n\
            where it cannot, Debian's packages `rustc-web`, `rust-web-src` and `lld` do.",
    grant: "",
    files: &[
        ("Cargo.toml", template!("rust/Cargo.toml")),
        ("build.sh", template!("rust/build.sh")),
        ("test.sh", template!("rust/test.sh")),
        ("src/bindings.rs", template!("rust/bindings.rs")),
        (".gitignore", template!("rust/gitignore")),
        README,
    ],
};

const C: Kit = Kit {
    source: "plugin.c",
    needs: "Python 3 with venv (on Debian `python3-venv`): with it the scripts fetch a compiler,\n\
            Zig's, into `.tools`.",
    grant: "",
    files: &[
        ("build.sh", template!("c/build.sh")),
        ("test.sh", template!("c/test.sh")),
        ("tools.sh", template!("c/tools.sh")),
        (".gitignore", template!("c/gitignore")),
        README,
    ],
};

const PYTHON: Kit = Kit {
    source: "plugin.py",
    needs: "Python 3.11 or newer with venv (on Debian `python3-venv`): with it the scripts fetch\n\
            componentize-py into `.tools`. The component brings a Python along, so it has 18 MB and\n\
            takes 12 MiB of memory before it does anything. Grant it more than the usual 16 MiB:\n\
            `--memory` above, and `--plugin-memory 16MiB,{{name}}=64MiB` where a balancer starts.",
    grant: " --memory 64MiB",
    files: &[
        ("build.sh", template!("python/build.sh")),
        ("test.sh", template!("python/test.sh")),
        ("tools.sh", template!("python/tools.sh")),
        (".gitignore", template!("python/gitignore")),
        README,
    ],
};

pub(super) fn kit(lang: Language) -> &'static Kit {
    match lang {
        Language::Rust => &RUST,
        Language::C => &C,
        Language::Python => &PYTHON,
    }
}

/// What a language has for one kind: what the author writes, and the test where it is apart.
fn own(lang: Language, kind: Kind) -> &'static [Template] {
    match (lang, kind) {
        (Language::Rust, Kind::Hash) => &[("src/lib.rs", template!("rust/hash.rs"))],
        (Language::Rust, Kind::Placement) => &[("src/lib.rs", template!("rust/placement.rs"))],
        (Language::C, Kind::Hash) => {
            &[("plugin.c", template!("c/hash.c")), ("test.c", template!("c/test_hash.c"))]
        }
        (Language::C, Kind::Placement) => {
            &[("plugin.c", template!("c/placement.c")), ("test.c", template!("c/test_placement.c"))]
        }
        (Language::Python, Kind::Hash) => &[
            ("plugin.py", template!("python/hash.py")),
            ("test.py", template!("python/test_hash.py")),
        ],
        (Language::Python, Kind::Placement) => &[
            ("plugin.py", template!("python/placement.py")),
            ("test.py", template!("python/test_placement.py")),
        ],
    }
}

/// All of them, the interface too.
pub(super) fn files(name: &Name, kind: Kind, lang: Language, program: &Path) -> Vec<File> {
    let kit = kit(lang);
    let fill = |text: &str| {
        text.replace("{{needs}}", kit.needs)
            .replace("{{name}}", name.as_str())
            .replace("{{package}}", &name.package())
            .replace("{{library}}", &name.library())
            .replace("{{kind}}", kind.name())
            .replace("{{source}}", kit.source)
            .replace("{{grant}}", kit.grant)
            .replace("{{program}}", &quoted(program))
    };
    let templates = kit.files.iter().chain(own(lang, kind));
    let filled = templates.map(|(path, text)| ((*path).to_owned(), fill(text).into_bytes()));
    let wit = WIT.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    filled.chain(wit).collect()
}

/// As a shell takes it for one word, whatever is in it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
