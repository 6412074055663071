//! The clients of the members that are there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::client::{Client, ClientError};

/// The clients of the members that are there. Clones share them.
#[derive(Debug, Clone)]
pub struct GroupClients {
    place: String,
    members: Arc<Mutex<BTreeMap<String, Member>>>,
}

#[derive(Debug, Clone)]
struct Member {
    client: Client,
    is_connected: bool,
}

impl GroupClients {
    /// No clients yet, of the group at `place`.
    pub(super) fn new(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            members: Arc::default(),
        }
    }

    /// A member for what is the same at all of them: one that is connected, if there is one.
    pub(in crate::control) fn any(&self) -> Result<Client, ClientError> {
        let members = self.members();
        let connected = members.values().find(|member| member.is_connected);
        let any = connected.or_else(|| members.values().next());
        any.map(|member| member.client.clone())
            .ok_or_else(|| ClientError::Unreachable {
                place: self.place.clone(),
                why: "no member of the group is there; start one".to_owned(),
            })
    }

    /// All members, by name.
    pub(in crate::control) fn all(&self) -> Vec<Client> {
        let members = self.members();
        members
            .values()
            .map(|member| member.client.clone())
            .collect()
    }

    pub(super) fn add(&self, name: &str, client: Client) {
        let member = Member {
            client,
            is_connected: false,
        };
        self.members().insert(name.to_owned(), member);
    }

    pub(super) fn remove(&self, name: &str) {
        self.members().remove(name);
    }

    pub(super) fn set_connected(&self, name: &str, is_connected: bool) {
        if let Some(member) = self.members().get_mut(name) {
            member.is_connected = is_connected;
        }
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
