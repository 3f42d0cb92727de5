#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::{Path, PathBuf};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use tower::ServiceExt;

use super::*;
use crate::assets::ASSETS;

async fn ask(path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router::<()>().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_and_its_files_are_served_as_what_they_are() {
    let kinds = [
        ("/dashboard", "text/html; charset=utf-8"),
        ("/dashboard/css/theme.css", "text/css; charset=utf-8"),
        ("/dashboard/js/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/icon.svg", "image/svg+xml"),
    ];
    for (path, kind) in kinds {
        let (status, headers, _) = ask(path).await;
        assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &kind.parse().unwrap()));
        assert_eq!(headers["content-security-policy"], POLICY);
        assert_eq!(headers["cache-control"], "no-cache");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for path in ["/dashboard/none.js", "/dashboard/../Cargo.toml", "/dashboard/js"] {
        assert_eq!(ask(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

/// The files below a folder, by their paths beneath `assets/`.
fn below(folder: &Path, found: &mut Vec<String>) {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/assets"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn every_file_of_the_folder_is_served() {
    let mut found = Vec::new();
    below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets")), &mut found);
    let mut listed: Vec<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}

#[test]
fn the_page_has_no_script_or_style_within_and_loads_nothing_from_elsewhere() {
    let page = assets::find("index.html").unwrap().text;
    for tag in ["<style", "style=", " onclick", "javascript:", "<script>"] {
        assert!(!page.contains(tag), "{tag}");
    }
    let foreign = |line: &&str| line.contains("://") && !line.contains("http://www.w3.org/");
    for asset in ASSETS {
        assert_eq!(asset.text.lines().find(foreign), None, "{}", asset.name);
    }
}

#[test]
fn what_a_module_imports_is_there() {
    for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".js")) {
        let folder = Path::new(asset.name).parent().unwrap();
        for line in asset.text.lines().filter(|line| line.contains(" from \"")) {
            let import = line.split(" from \"").nth(1).unwrap().split('"').next().unwrap();
            let mut path = folder.to_owned();
            for part in import.split('/') {
                match part {
                    "." => {}
                    ".." => drop(path.pop()),
                    part => path.push(part),
                }
            }
            assert!(assets::find(path.to_str().unwrap()).is_some(), "{}: {import}", asset.name);
        }
    }
}
