//! Who is in a room, by which token, over which socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use constellation_core::ids::DeviceId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::admissions::Admissions;
use super::{ConnectionId, Ending, Line};
use crate::error::ApiError;
use crate::socket::Message;
use crate::token::TokenHash;

/// The devices of a room as the driver knows them.
#[derive(Debug)]
pub(super) struct Seats {
    seats: BTreeMap<DeviceId, Seat>,
    admissions: Arc<Admissions>,
    connections: u64,
}

#[derive(Debug)]
struct Seat {
    token: TokenHash,
    connection: Option<(ConnectionId, Line)>,
}

/// What became of a message to a device.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is in the socket's queue.
    Queued,
    /// The device has no socket.
    Absent,
    /// The queue was full; the device has no socket any more.
    TooSlow,
}

impl Seats {
    /// None taken. Who has one is admitted to post.
    pub(super) fn new(admissions: Arc<Admissions>) -> Self {
        Self {
            seats: BTreeMap::new(),
            admissions,
            connections: 0,
        }
    }

    pub(super) fn add(&mut self, device: DeviceId, token: TokenHash, now: Instant) {
        let seat = Seat {
            token,
            connection: None,
        };
        self.seats.insert(device, seat);
        self.admissions.add(device, token, now);
    }

    pub(super) fn remove(&mut self, device: DeviceId) {
        if let Some(seat) = self.seats.remove(&device) {
            self.admissions.remove(seat.token);
        }
    }

    /// Whether any device has a socket.
    pub(super) fn any_connected(&self) -> bool {
        self.seats.values().any(|seat| seat.connection.is_some())
    }

    /// Whether a device has a socket.
    pub(super) fn is_connected(&self, device: DeviceId) -> bool {
        let seat = self.seats.get(&device);
        seat.is_some_and(|seat| seat.connection.is_some())
    }

    /// Gives a device another socket, and returns the one it had.
    pub(super) fn connect(
        &mut self,
        device: DeviceId,
        token: TokenHash,
        line: Line,
    ) -> Result<(ConnectionId, Option<Line>), ApiError> {
        let seat = self.seats.get_mut(&device).ok_or_else(|| unknown(device))?;
        if seat.token != token {
            return Err(ApiError::WrongToken);
        }
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let before = seat.connection.replace((connection, line));
        Ok((connection, before.map(|(_, line)| line)))
    }

    /// Takes note that a socket is closed. `false` if the device has another one, or none, by now.
    pub(super) fn disconnect(&mut self, device: DeviceId, connection: ConnectionId) -> bool {
        match self.seats.get_mut(&device) {
            Some(seat)
                if seat
                    .connection
                    .as_ref()
                    .is_some_and(|(id, _)| *id == connection) =>
            {
                seat.connection = None;
                true
            }
            _ => false,
        }
    }

    /// Puts a message into the queue of a device's socket.
    pub(super) fn send(&mut self, device: DeviceId, message: Message) -> Delivery {
        let Some(seat) = self.seats.get_mut(&device) else {
            return Delivery::Absent;
        };
        let Some((_, line)) = &seat.connection else {
            return Delivery::Absent;
        };
        match line.queue.try_send(message) {
            Ok(()) => Delivery::Queued,
            // The socket is closing and will say so.
            Err(TrySendError::Closed(_)) => Delivery::Absent,
            Err(TrySendError::Full(_)) => {
                self.end(device, Ending::Failure(ApiError::TooSlow));
                Delivery::TooSlow
            }
        }
    }

    /// Closes a device's socket, if it has one.
    pub(super) fn end(&mut self, device: DeviceId, ending: Ending) {
        let connection = self
            .seats
            .get_mut(&device)
            .and_then(|seat| seat.connection.take());
        if let Some((_, line)) = connection {
            // A socket that is gone needs no ending.
            let _ = line.end.send(ending);
        }
    }

    /// Closes all sockets, each for a reason of its own.
    pub(super) fn end_all(&mut self, ending: impl Fn(DeviceId) -> Ending) {
        let devices: Vec<DeviceId> = self.seats.keys().copied().collect();
        for device in devices {
            self.end(device, ending(device));
        }
    }

    /// Takes note that a post was accepted.
    pub(super) fn was_useful(&self, device: DeviceId) {
        if let Some(seat) = self.seats.get(&device) {
            self.admissions.was_useful(seat.token);
        }
    }
}

fn unknown(device: DeviceId) -> ApiError {
    ApiError::Room(constellation_core::rejection::Rejection::UnknownDevice(
        device,
    ))
}

#[cfg(test)]
mod tests {
    use constellation_core::wire::Farewell;
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::config::limits;

    const DEVICE: DeviceId = DeviceId(3);

    fn line(queue: usize) -> (Line, mpsc::Receiver<Message>, oneshot::Receiver<Ending>) {
        let (queue, messages) = mpsc::channel(queue);
        let (end, ended) = oneshot::channel();
        (Line { queue, end }, messages, ended)
    }

    fn seats() -> (Seats, TokenHash) {
        let mut seats = Seats::new(Arc::default());
        let token = TokenHash::of("secret");
        seats.add(DEVICE, token, Instant::now());
        (seats, token)
    }

    #[test]
    fn a_device_whose_queue_is_full_is_disconnected() {
        let (mut seats, token) = seats();
        let (line, _messages, mut ended) = line(limits::DEVICE_QUEUE);
        seats.connect(DEVICE, token, line).unwrap();
        for _ in 0..limits::DEVICE_QUEUE {
            assert_eq!(seats.send(DEVICE, Message::text("x")), Delivery::Queued);
        }
        assert!(ended.try_recv().is_err());
        assert_eq!(seats.send(DEVICE, Message::text("x")), Delivery::TooSlow);
        assert_eq!(ended.try_recv(), Ok(Ending::Failure(ApiError::TooSlow)));
        assert_eq!(seats.send(DEVICE, Message::text("x")), Delivery::Absent);
        assert!(!seats.any_connected());
    }

    #[test]
    fn the_end_of_a_replaced_socket_does_not_end_its_successor() {
        let (mut seats, token) = seats();
        let (first, second) = (line(1), line(1));
        let (old, before) = seats.connect(DEVICE, token, first.0).unwrap();
        assert!(before.is_none());
        let (new, before) = seats.connect(DEVICE, token, second.0).unwrap();
        assert!(before.is_some());
        assert!(!seats.disconnect(DEVICE, old));
        assert!(seats.any_connected());
        assert!(seats.disconnect(DEVICE, new));
        assert!(!seats.any_connected());
    }

    #[test]
    fn a_wrong_token_takes_nobodys_seat() {
        let (mut seats, token) = seats();
        let wrong = TokenHash::of("guess");
        assert_eq!(
            seats.connect(DEVICE, wrong, line(1).0).unwrap_err(),
            ApiError::WrongToken
        );
        assert_eq!(
            seats.connect(DeviceId(9), token, line(1).0).unwrap_err(),
            unknown(DeviceId(9))
        );
        assert!(!seats.any_connected());
    }

    #[test]
    fn who_is_out_is_out() {
        let (mut seats, token) = seats();
        let (line, _messages, mut ended) = line(1);
        seats.connect(DEVICE, token, line).unwrap();
        seats.end(DEVICE, Ending::Farewell(Farewell::Removed));
        seats.remove(DEVICE);
        assert_eq!(ended.try_recv(), Ok(Ending::Farewell(Farewell::Removed)));
        assert_eq!(
            seats.admissions.admit(token, Instant::now()),
            Err(ApiError::WrongToken)
        );
    }
}
