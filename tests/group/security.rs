//! Servers that ask who is there, by each way that `[nats]` has settings for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair as TlsKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::NatsServer;
use crate::program::{sluicegate, steady_place};

/// A server with a configuration, and files beside it.
struct Guarded {
    server: NatsServer,
    place: SocketAddr,
    folder: TempDir,
}

impl Guarded {
    /// A server with the configuration that `config` returns; it may write files into the folder.
    fn start(config: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.conf");
        std::fs::write(&file, config(folder.path())).unwrap();
        let place = steady_place();
        let more = vec!["-c".to_owned(), file.display().to_string()];
        Self {
            server: NatsServer::with(more, place),
            place,
            folder,
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn url(&self) -> String {
        format!("nats://{}/shop", self.place)
    }
}

/// Creates the group at this URL with these settings.
fn init(url: &str, settings: &[(&str, &Path)]) -> Output {
    let mut command = sluicegate();
    command.args(["nats", "init", url, "--partitions", "4"]);
    command.envs(settings.iter().copied());
    command.output().unwrap()
}

fn is_made(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// It is refused, and what is said names the server and this.
fn is_refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    let said = said.to_lowercase();
    assert!(
        said.contains("cannot connect to") && said.contains(why),
        "{said}"
    );
}

#[test]
#[ignore = "it needs a nats-server: .ci/nats"]
fn an_nkey_opens_the_group_and_another_one_does_not() {
    let (user, other) = (KeyPair::new_user(), KeyPair::new_user());
    let guarded = Guarded::start(|_| {
        let key = user.public_key();
        format!("authorization {{ users = [ {{ nkey: {key} }} ] }}")
    });
    let right = guarded.file("user.nk", &format!("{}\n", user.seed().unwrap()));
    let wrong = guarded.file("other.nk", &other.seed().unwrap());
    let with = |file: &Path| init(&guarded.url(), &[("SLUICEGATE_NATS_NKEY_FILE", file)]);
    is_refused(&with(&wrong), "authorization");
    is_refused(&init(&guarded.url(), &[]), "authorization");
    is_made(&with(&right));
    let missing = with(Path::new("/nonexistent/user.nk"));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        said.contains("/nonexistent/user.nk") && said.contains("nats.nkey_file"),
        "{said}"
    );
}

#[test]
#[ignore = "it needs a nats-server: .ci/nats"]
fn a_token_or_a_name_and_a_password_open_the_group() {
    let guarded = Guarded::start(|_| "authorization { token: \"a-long-token\" }".to_owned());
    let token = |text: &str| {
        let settings = [("SLUICEGATE_NATS_TOKEN", Path::new(text))];
        init(&guarded.url(), &settings)
    };
    is_refused(&token("another"), "authorization");
    is_made(&token("a-long-token"));
    drop(guarded);
    let users = "authorization { user: ann, password: \"s/c@t\" }";
    let guarded = Guarded::start(|_| users.to_owned());
    let with = |user: &str| {
        let url = format!("nats://{user}@{}/shop", guarded.place);
        init(&url, &[])
    };
    let refused = with("ann:wrong");
    is_refused(&refused, "authorization");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!said.contains("wrong"), "{said}");
    is_made(&with("ann:s%2Fc%40t"));
}

/// A signed token of NATS.
fn jwt(subject: &KeyPair, nats: &Value, issuer: &KeyPair) -> String {
    let claims = json!({
        "jti": subject.public_key(),
        "iat": 1_700_000_000,
        "iss": issuer.public_key(),
        "name": "test",
        "sub": subject.public_key(),
        "nats": nats,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
#[ignore = "it needs a nats-server: .ci/nats"]
fn a_credentials_file_opens_the_group() {
    let operator = KeyPair::new_operator();
    let [system, account] = [(); 2].map(|()| KeyPair::new_account());
    let [user, stranger] = [(); 2].map(|()| KeyPair::new_user());
    let guarded = Guarded::start(|_| {
        let of_operator = json!({
            "type": "operator", "version": 2, "system_account": system.public_key(),
        });
        let of_account = json!({ "type": "account", "version": 2, "limits": {
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1,
            "consumer": -1,
        }});
        let of_system = json!({ "type": "account", "version": 2, "limits": {
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1,
        }});
        format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n{}: {}\n{}: {}\n}}\n",
            jwt(&operator, &of_operator, &operator),
            system.public_key(),
            system.public_key(),
            jwt(&system, &of_system, &operator),
            account.public_key(),
            jwt(&account, &of_account, &operator),
        )
    });
    let credentials = |name: &str, user: &KeyPair, issuer: &KeyPair| {
        let of_user = json!({
            "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1,
        });
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            jwt(user, &of_user, issuer),
            user.seed().unwrap()
        );
        guarded.file(name, &text)
    };
    let right = credentials("user.creds", &user, &account);
    // Signed by an account that the operator does not know.
    let wrong = credentials("stranger.creds", &stranger, &KeyPair::new_account());
    let with = |file: &Path| {
        let settings = [("SLUICEGATE_NATS_CREDENTIALS_FILE", file)];
        init(&guarded.url(), &settings)
    };
    is_refused(&with(&wrong), "authorization");
    is_made(&with(&right));
}

/// A certificate for this machine, or for a client, by this authority.
fn certificate(issuer: &Issuer<'_, TlsKey>) -> (String, String) {
    let key = TlsKey::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let made = params.signed_by(&key, issuer).unwrap();
    (made.pem(), key.serialize_pem())
}

#[test]
#[ignore = "it needs a nats-server: .ci/nats"]
fn tls_knows_the_server_by_its_authority_and_the_client_by_its_certificate() {
    let authority_key = TlsKey::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let guarded = Guarded::start(|folder| {
        let (cert, key) = certificate(&issuer);
        for (name, text) in [("ca.pem", &ca_pem), ("cert.pem", &cert), ("key.pem", &key)] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let path = |name: &str| folder.join(name).display().to_string();
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
            path("cert.pem"),
            path("key.pem"),
            path("ca.pem")
        )
    });
    let (client_cert, client_key) = certificate(&issuer);
    let ca = guarded.folder.path().join("ca.pem");
    let cert = guarded.file("client.pem", &client_cert);
    let key = guarded.file("client-key.pem", &client_key);
    let url = format!("tls://localhost:{}/shop", guarded.place.port());
    is_refused(&init(&url, &[]), "certificate");
    // It knows the server, and the server does not know it.
    let anonymous = init(&url, &[("SLUICEGATE_NATS_CA_FILE", &ca)]);
    is_refused(&anonymous, "");
    let known = [
        ("SLUICEGATE_NATS_CA_FILE", ca.as_path()),
        ("SLUICEGATE_NATS_CLIENT_CERT_FILE", &cert),
        ("SLUICEGATE_NATS_CLIENT_KEY_FILE", &key),
    ];
    is_made(&init(&url, &known));
    drop(guarded.server);
}
