//! Who may come in, and what they may do: users with hashed passwords and permissions per virtual host.
//!
//! ```text
//!   [{"name": "ann",
//!     "password": "$argon2id$v=19$…",
//!     "vhosts": {"/": {"configure": "^ann-.*", "write": ".*", "read": ".*"}}}]
//! ```
//!
//! Without a file there is one user, guest with the password guest, who may do everything in `/`, and comes from this machine only.
//! Argon2 is slow on purpose, some 20 ms: what was verified once is remembered as a quick hash with a key of this run.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::broker::{Login, Pattern, Permissions};

/// The user that is there without a file.
const GUEST: &str = "guest";

/// The users of a broker.
pub struct Users {
    users: BTreeMap<String, User>,
    /// Verified passwords of this run, hashed with its key.
    verified: Mutex<BTreeMap<String, [u8; 32]>>,
    key: [u8; 32],
}

/// What the file has of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    name: String,
    /// In PHC form: `$argon2id$…`.
    password: String,
    /// What the user may do, by virtual host.
    vhosts: BTreeMap<String, Expressions>,
}

/// RabbitMQ's three expressions. Each is matched with a whole name; an empty one matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expressions {
    /// What may be declared and deleted.
    pub configure: String,
    /// What may be published to.
    pub write: String,
    /// What may be consumed from.
    pub read: String,
}

/// Why somebody may not come in. Clients are not told which of these it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such user, or another password.
    #[error("there is no such user, or the password is another")]
    Unknown,
    /// The guest, from another machine.
    #[error("user 'guest' can only connect via localhost")]
    NotLocal,
}

impl Users {
    /// The guest alone.
    #[must_use]
    pub fn guest() -> Users {
        let everything = Expressions { configure: ".*".into(), write: ".*".into(), read: ".*".into() };
        let vhosts = BTreeMap::from([("/".to_owned(), everything)]);
        let guest = User { name: GUEST.into(), password: String::new(), vhosts };
        let users = Users::of(vec![guest]).expect("its expressions are right");
        let hash = users.quick_hash(GUEST, GUEST.as_bytes());
        users.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(GUEST.into(), hash);
        users
    }

    /// Those of a file.
    ///
    /// # Errors
    /// It cannot be read, or is not what this module's page shows.
    pub fn read(file: &Path) -> anyhow::Result<Users> {
        Users::of(read(file)?).with_context(|| format!("{} is no file of users", file.display()))
    }

    fn of(list: Vec<User>) -> anyhow::Result<Users> {
        let mut users = BTreeMap::new();
        for user in list {
            for (vhost, expressions) in &user.vhosts {
                expressions.compile().with_context(|| format!("user {:?}, vhost {vhost:?}", user.name))?;
            }
            if let Some(twice) = users.insert(user.name.clone(), user) {
                bail!("user {:?} is there twice", twice.name);
            }
        }
        Ok(Users { users, verified: Mutex::default(), key: rand::random() })
    }

    /// Whether this is the user's password, and the user may come from there. Takes its time.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn verify(&self, name: &str, password: &[u8], from: IpAddr) -> Result<(), Refusal> {
        let hash = self.quick_hash(name, password);
        let is_known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(name) == Some(&hash);
        if !is_known {
            // For a name that is not there the time of a password is taken too: or it would say which names are.
            let stored = self.users.get(name).map_or(NOBODY, |user| &user.password);
            let stored = PasswordHash::new(stored).map_err(|_| Refusal::Unknown)?;
            Argon2::default().verify_password(password, &stored).map_err(|_| Refusal::Unknown)?;
            if !self.users.contains_key(name) {
                return Err(Refusal::Unknown);
            }
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), hash);
        }
        if name == GUEST && !from.to_canonical().is_loopback() { Err(Refusal::NotLocal) } else { Ok(()) }
    }

    /// Whether there is such a virtual host: `/`, and those that a user has something to do in.
    #[must_use]
    pub fn has_vhost(&self, vhost: &str) -> bool {
        vhost == "/" || self.users.values().any(|user| user.vhosts.contains_key(vhost))
    }

    /// The virtual hosts of a user.
    #[must_use]
    pub fn vhosts(&self, name: &str) -> Vec<&str> {
        self.users.get(name).into_iter().flat_map(|user| user.vhosts.keys()).map(String::as_str).collect()
    }

    /// What a verified user may do in a virtual host; `None` when it is nothing.
    #[must_use]
    pub fn login(&self, name: &str, vhost: &str) -> Option<Login> {
        let permissions = self.users.get(name)?.vhosts.get(vhost)?.compile().ok()?;
        Some(Login { user: name.to_owned(), vhost: vhost.to_owned(), permissions })
    }

    /// Each user's name, a virtual host of it, and what it may do there; by name and virtual host.
    pub fn permissions(&self) -> impl Iterator<Item = (&str, &str, &Expressions)> {
        self.users
            .values()
            .flat_map(|user| user.vhosts.iter().map(move |(vhost, may)| (&user.name[..], &vhost[..], may)))
    }

    fn quick_hash(&self, name: &str, password: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update(password);
        hash.finalize().into()
    }
}

/// The hash of a password that nobody has: it is not known for any.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Expressions {
    fn compile(&self) -> anyhow::Result<Permissions> {
        Ok(Permissions {
            configure: pattern(&self.configure)?,
            write: pattern(&self.write)?,
            read: pattern(&self.read)?,
        })
    }
}

fn pattern(expression: &str) -> anyhow::Result<Pattern> {
    Ok(match expression {
        "" => Pattern::None,
        ".*" => Pattern::All,
        _ => Pattern::Expression(
            Regex::new(&format!("^(?:{expression})$")).with_context(|| format!("{expression:?}"))?,
        ),
    })
}

fn read(file: &Path) -> anyhow::Result<Vec<User>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no list of users", file.display()))
}

/// Adds a user to a file, or gives one that is there another password and permissions. The file is made if it is not there, and
/// nobody but its owner can read it.
///
/// # Errors
/// An expression is wrong, or the file cannot be read or written.
pub fn add(file: &Path, name: &str, password: &[u8], vhost: &str, may: Expressions) -> anyhow::Result<()> {
    ensure!((1..=255).contains(&name.len()), "a name is from 1 to 255 bytes long");
    ensure!((1..=255).contains(&vhost.len()), "a virtual host is from 1 to 255 bytes long");
    ensure!(!password.is_empty(), "a password is not empty");
    may.compile()?;
    let mut users = if file.exists() { read(file)? } else { Vec::new() };
    let hash = Argon2::default().hash_password(password).context("no randomness for a salt")?.to_string();
    match users.iter_mut().find(|user| user.name == name) {
        Some(user) => {
            user.password = hash;
            user.vhosts.insert(vhost.to_owned(), may);
        }
        None => users.push(User {
            name: name.to_owned(),
            password: hash,
            vhosts: BTreeMap::from([(vhost.to_owned(), may)]),
        }),
    }
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write_whole(directory, file, &serde_json::to_vec_pretty(&users).context("users are JSON")?)
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Writes a new file and puts it in the place of the old one: a broker that reads meanwhile reads one of them whole.
fn write_whole(directory: &Path, file: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = directory.join(format!(".users-{}", std::process::id()));
    let mut new =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    let written = new.write_all(text).and_then(|()| new.write_all(b"\n")).and_then(|()| new.sync_all());
    written.and_then(|()| std::fs::rename(&beside, file)).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn the_guest_comes_from_this_machine_only() {
        let users = Users::guest();
        assert_eq!(users.verify("guest", b"guest", HERE), Ok(()));
        assert_eq!(users.verify("guest", b"guest", THERE), Err(Refusal::NotLocal));
        assert_eq!(users.verify("guest", b"Guest", HERE), Err(Refusal::Unknown));
        assert_eq!(users.verify("nobody", b"guest", HERE), Err(Refusal::Unknown));
        assert!(users.has_vhost("/") && !users.has_vhost("other"));
    }

    #[test]
    fn users_of_a_file_have_hashed_passwords_and_their_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("users.json");
        let may = Expressions { configure: String::new(), write: "a|b".into(), read: ".*".into() };
        add(&file, "ann", b"secret", "/", may.clone()).unwrap();
        add(&file, "ann", b"other secret", "second", may).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("$argon2id$") && !text.contains("secret"), "{text}");
        let users = Users::read(&file).unwrap();
        for _ in 0..2 {
            assert_eq!(users.verify("ann", b"other secret", THERE), Ok(()));
            assert_eq!(users.verify("ann", b"secret", THERE), Err(Refusal::Unknown));
        }
        assert_eq!(
            users.verify("guest", b"guest", HERE),
            Err(Refusal::Unknown),
            "the guest is not in the file"
        );
        let login = users.login("ann", "second").unwrap();
        let Permissions { configure, write, read } = login.permissions;
        assert!(!configure.covers("") && read.covers("x"));
        assert!(write.covers("a") && write.covers("b") && !write.covers("ab"), "the whole name");
        assert!(users.login("ann", "third").is_none());
        assert_eq!(users.vhosts("ann"), ["/", "second"]);
    }

    #[test]
    fn a_wrong_file_is_refused_and_not_taken_for_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("users.json");
        for text in ["", "{}", r#"[{"name": "x"}]"#] {
            std::fs::write(&file, text).unwrap();
            assert!(Users::read(&file).is_err(), "{text}");
        }
        assert!(Users::read(&directory.path().join("none")).is_err());
    }
}
