//! A balancer with a plugin folder of its own.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;

use ringwright_test_plugins::{HashBodies, POINTS_TO_LAST};
use serde_json::Value;
use tempfile::TempDir;

use super::{Api, Options, plugin_folder};

/// Where plugins are chosen.
pub const ACTIVE: &str = "/plugins/active";

/// A configured balancer with a plugin folder of its own beside the built ones.
pub struct Platform {
    pub api: Api,
    folder: TempDir,
}

impl Deref for Platform {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Platform {
    pub async fn start() -> Self {
        Platform::with(Options::default()).await
    }

    /// The folder is added to those of the options.
    pub async fn with(mut options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        options.plugins = vec![plugin_folder(), folder.path().to_owned()];
        options.balancer.upload_dir = folder.path().to_owned();
        let api = Api::configured_with(options).await;
        api.fill().await;
        Platform { api, folder }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn drop_in(&self, file: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(file), bytes).unwrap();
    }

    /// What lies in the folder.
    pub fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Waits for the list to be as it should.
    pub async fn listed(&self, what: &str, as_it_should: impl Fn(&[Value]) -> bool) {
        self.api
            .until(what, async |api| {
                let list = list(api).await;
                as_it_should(&list).then_some(())
            })
            .await;
    }
}

/// The plugins as they are listed.
pub async fn list(api: &Api) -> Vec<Value> {
    api.get("/plugins").await.ok()["message"]["plugins"].as_array().unwrap().clone()
}

/// Those of that name.
pub fn called<'a>(list: &'a [Value], name: &str) -> Vec<&'a Value> {
    list.iter().filter(|p| p["name"] == name).collect()
}

/// What a hash plugin of that name, of seven bytes, is made of; it behaves.
pub fn named(name: &'static str) -> HashBodies {
    HashBodies { name, ..HashBodies::default() }
}

/// A hash plugin that sends everything to the first server.
pub fn plain(name: &'static str) -> Vec<u8> {
    named(name).component()
}

/// One that sends everything to the last server.
pub fn to_last() -> Vec<u8> {
    HashBodies { arrange: POINTS_TO_LAST, ..named("to-last") }.component()
}

/// One that behaves but for request 13, which it fails over.
pub fn fails_over_13() -> Vec<u8> {
    let slot = "(if (i64.eq (local.get 0) (i64.const 13)) (then (unreachable)))
        (i32.rem_u (i32.const 3) (local.get 1))";
    HashBodies { slot, ..named("not-13s") }.component()
}
