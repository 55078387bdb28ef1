//! What a client says, one thing after the other: the handshake here, commands on to the broker.

use std::net::{IpAddr, Ipv4Addr};

use common::core::service::{Peer, PeerAddress, PeerId};

use super::client::Phase;
use super::decoder::Incoming;
use super::handshake;
use super::heartbeat::Heartbeat;
use super::looking::look_every;
use super::service::BrokerService;
use super::state::State;
use crate::amqp::command::Command;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, channel, connection};
use crate::broker::Now;

impl BrokerService {
    /// Argon2 takes its time: a login is verified before the lock is taken.
    pub(super) fn verify_login(&self, peer: &Peer, batch: &[Incoming]) -> Verified {
        batch.iter().find_map(|incoming| match incoming {
            Incoming::Command(Command {
                method: AMQPClass::Connection(connection::AMQPMethod::StartOk(start)),
                ..
            }) => Some(handshake::authenticate(start, &self.users, address(peer))),
            _ => None,
        })
    }

    /// What a client says; whether it is to be hung up on.
    pub(super) fn incoming(
        &self,
        state: &mut State,
        id: PeerId,
        incoming: Incoming,
        login: &mut Verified,
        now: Now,
    ) -> bool {
        let Some(client) = state.clients.get_mut(&id) else { return true };
        match incoming {
            Incoming::Hello(traffic) => {
                client.traffic = traffic;
                client.enter(Phase::Started, now.instant);
                let written = client.method(0, &handshake::start());
                state.wrote(id, written);
                if state.is_stopping {
                    return true;
                }
            }
            Incoming::Unreadable(refused) => {
                // Its answer could not be read either.
                state.refuse(id, refused.channel, &refused.exception, now);
                return true;
            }
            Incoming::Refused(refused) if !client.is_open() || refused.exception.is_hard() => {
                let is_stranger = client.phase == Phase::Started;
                state.refuse(id, 0, &hard(refused.exception), now);
                return is_stranger;
            }
            Incoming::Refused(refused) => {
                refuse_content(state, id, refused.channel, &refused.exception, now);
            }
            Incoming::Command(command) => return self.command(state, id, command, login, now),
        }
        false
    }

    fn command(
        &self,
        state: &mut State,
        id: PeerId,
        command: Command,
        login: &mut Verified,
        now: Now,
    ) -> bool {
        let Some(client) = state.clients.get_mut(&id) else { return true };
        match (&command.method, command.channel) {
            (AMQPClass::Connection(_), 0) => return self.connection(state, id, command.method, login, now),
            (AMQPClass::Connection(_), _) | (_, 0) => {
                let why = "the class connection belongs to channel 0, and no other does";
                let exception = Exception::new(ReplyCode::CommandInvalid, why);
                state.refuse(id, 0, &exception, now);
            }
            (AMQPClass::Channel(end), number) if client.refused.contains(&number) => match end {
                channel::AMQPMethod::CloseOk(_) => drop(client.refused.remove(&number)),
                channel::AMQPMethod::Close(_) => {
                    let method = AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {}));
                    let written = client.method(number, &method);
                    state.wrote(id, written);
                }
                _ => {}
            },
            (_, number) if client.refused.contains(&number) => {}
            _ if client.is_open() => state.command(id, command, now),
            _ if matches!(client.phase, Phase::Closing | Phase::Closed) => {}
            _ => {
                let exception = Exception::new(ReplyCode::CommandInvalid, "no virtual host is open yet");
                state.refuse(id, 0, &exception, now);
            }
        }
        false
    }

    /// A method of the class connection.
    fn connection(
        &self,
        state: &mut State,
        id: PeerId,
        method: AMQPClass,
        login: &mut Verified,
        now: Now,
    ) -> bool {
        use connection::AMQPMethod::{Close, CloseOk, Open, StartOk, TuneOk, UpdateSecret};
        let Some(client) = state.clients.get_mut(&id) else { return true };
        let AMQPClass::Connection(method) = method else { return false };
        let answer = match (client.phase, method) {
            (Phase::Started, StartOk(start)) => {
                client.hears_blocked = handshake::is_capable(&start.client_properties, "connection.blocked");
                let is_told = handshake::is_capable(&start.client_properties, "authentication_failure_close");
                client.properties = start.client_properties;
                match login.take().expect("it was verified before the lock was taken") {
                    Ok(user) => {
                        client.user = user;
                        client.enter(Phase::Tuning, now.instant);
                        handshake::tune()
                    }
                    Err(exception) => {
                        // The code is a channel's, and closes the connection: a login has no channel.
                        if is_told || exception.code != ReplyCode::AccessRefused {
                            state.refuse_login(id, &exception, now);
                            return false;
                        }
                        return true;
                    }
                }
            }
            (Phase::Tuning, TuneOk(tune)) => {
                match handshake::agree(&tune) {
                    Ok(agreed) => {
                        client.frame_max = agreed.frame_max;
                        client.heartbeat_seconds = agreed.heartbeat;
                        client.heartbeat = Heartbeat::new(agreed.heartbeat, now.instant);
                        client.enter(Phase::Tuned, now.instant);
                        let next = now.instant + look_every(client);
                        state.next_look = Some(state.next_look.map_or(next, |look| look.min(next)));
                    }
                    Err(exception) => state.refuse(id, 0, &exception, now),
                }
                return false;
            }
            (Phase::Tuned, Open(open)) => {
                let vhost = open.virtual_host.as_str();
                let refused = match self.users.login(&client.user, vhost) {
                    _ if !self.users.has_vhost(vhost) => format!("vhost {vhost} not found"),
                    None => format!("access to vhost '{vhost}' refused for user '{}'", client.user),
                    Some(login) => {
                        client.vhost = vhost.to_owned();
                        client.enter(Phase::Open, now.instant);
                        let ok = connection::AMQPMethod::OpenOk(connection::OpenOk {});
                        let written = client.method(0, &AMQPClass::Connection(ok));
                        state.wrote(id, written);
                        state.broker.open(id, login);
                        state.drain(None, now);
                        return false;
                    }
                };
                let exception = Exception::new(ReplyCode::NotAllowed, refused);
                state.refuse(id, 0, &Exception { method: (10, 40), ..exception }, now);
                return false;
            }
            (Phase::Open, UpdateSecret(_)) => {
                AMQPClass::Connection(connection::AMQPMethod::UpdateSecretOk(connection::UpdateSecretOk {}))
            }
            (_, CloseOk(_)) => {
                state.leave_broker(id, now);
                return true;
            }
            (_, Close(_)) => {
                // First its queues go: then it may declare them again on its next connection at once.
                state.leave_broker(id, now);
                let ok = CloseOk(connection::CloseOk {});
                if let Some(client) = state.clients.get_mut(&id) {
                    let written = client.method(0, &AMQPClass::Connection(ok));
                    state.wrote(id, written);
                }
                return true;
            }
            (Phase::Closing | Phase::Closed, _) => return false,
            (_, _) => {
                let exception = Exception::new(ReplyCode::CommandInvalid, "this method is not expected here");
                state.refuse(id, 0, &exception, now);
                return false;
            }
        };
        let written = client.method(0, &answer);
        state.wrote(id, written);
        false
    }
}

/// A content that the broker never sees: its channel ends.
fn refuse_content(state: &mut State, id: PeerId, number: u16, exception: &Exception, now: Now) {
    let is_new = state.clients.get_mut(&id).is_some_and(|client| client.refused.insert(number));
    if is_new {
        let closed = channel::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 };
        let method = AMQPClass::Channel(channel::AMQPMethod::Close(closed));
        state.close_channel(id, Command { channel: number, method, content: None }, now);
        state.refuse(id, number, exception, now);
    }
}

/// Whether a login is right; `None` where there was none, or it was used.
pub(super) type Verified = Option<Result<String, Exception>>;

/// Where a client is. The client of a Unix socket is on this machine.
fn address(peer: &Peer) -> IpAddr {
    match peer.address {
        PeerAddress::Ip(address) => address.ip(),
        PeerAddress::Unix { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// Before a virtual host is open there is no channel that could be closed.
fn hard(exception: Exception) -> Exception {
    if exception.is_hard() { exception } else { Exception { code: ReplyCode::UnexpectedFrame, ..exception } }
}
