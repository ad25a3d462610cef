//! WebSockets. Long messages leave in pieces: the library copies what it sends into a buffer that never shrinks, and a
//! thousand of them would hold a thousand models.

use std::future::poll_fn;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use hyper_tungstenite::tungstenite::Error;
use hyper_tungstenite::tungstenite::error::CapacityError;
use hyper_tungstenite::tungstenite::protocol::frame::Frame;
use hyper_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use hyper_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use hyper_tungstenite::{HyperWebsocket, HyperWebsocketStream, is_upgrade_request};

use crate::body::check_origin;
use crate::config::limits;
use crate::error::ApiError;
use crate::server::Server;

pub(crate) use hyper_tungstenite::tungstenite::{Message, Utf8Bytes};

/// A request that opens a socket.
pub(crate) struct Upgrade {
    answer: Response,
    socket: HyperWebsocket,
}

impl Upgrade {
    /// Checks where a socket's page is from, and bounds what it may send.
    pub(crate) fn of(server: &Server, mut request: Request) -> Result<Self, ApiError> {
        let public_url = server.config().addresses.public_url.as_deref();
        check_origin(request.headers(), public_url)?;
        if !is_upgrade_request(&request) {
            let missing =
                "the headers \"Connection: Upgrade\" and \"Upgrade: websocket\" are missing";
            return Err(ApiError::NotAWebSocket(missing.to_owned()));
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(limits::SOCKET_MESSAGE)
            .write_buffer_size(limits::SOCKET_PIECE)
            .max_message_size(Some(limits::SOCKET_MESSAGE))
            .max_frame_size(Some(limits::SOCKET_MESSAGE));
        let (answer, socket) = hyper_tungstenite::upgrade(&mut request, Some(config))
            .map_err(|error| ApiError::NotAWebSocket(error.to_string()))?;
        Ok(Self {
            answer: answer.map(Body::new),
            socket,
        })
    }

    /// Answers the request, and lives with the socket once it is open.
    pub(crate) fn on_upgrade<F>(self, live: impl FnOnce(Socket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        tokio::spawn(async move {
            // A connection that breaks before that is nobody's.
            if let Ok(socket) = self.socket.await {
                live(Socket::new(socket)).await;
            }
        });
        self.answer
    }
}

/// An open socket.
pub(crate) struct Socket<S = HyperWebsocketStream> {
    stream: S,
    /// What is left of a message that leaves in pieces, and the kind of the next piece.
    rest: Bytes,
    kind: Data,
}

impl<S> Socket<S>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    fn new(stream: S) -> Self {
        Self {
            stream,
            rest: Bytes::new(),
            kind: Data::Binary,
        }
    }

    /// The next message; `None` once the socket is closed.
    pub(crate) async fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.stream.next().await
    }

    /// Sends a message. Where that is given up half-way, the next message follows what is left of this one; only a close
    /// frame may come in between.
    pub(crate) async fn send(&mut self, message: Message) -> Result<(), Error> {
        if !message.is_close() {
            self.send_rest().await?;
        }
        match message {
            Message::Binary(bytes) if bytes.len() > limits::SOCKET_PIECE => {
                (self.rest, self.kind) = (bytes, Data::Binary);
                self.send_rest().await
            }
            message => self.stream.send(message).await,
        }
    }

    async fn send_rest(&mut self) -> Result<(), Error> {
        while !self.rest.is_empty() {
            poll_fn(|context| self.stream.poll_ready_unpin(context)).await?;
            let piece = self
                .rest
                .split_to(self.rest.len().min(limits::SOCKET_PIECE));
            let frame = Frame::message(piece, OpCode::Data(self.kind), self.rest.is_empty());
            self.stream.start_send_unpin(Message::Frame(frame))?;
            self.kind = Data::Continue;
            self.stream.flush().await?;
        }
        Ok(())
    }
}

/// A frame that says why.
pub(crate) fn close_frame(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: reason.into(),
    }))
}

/// What is wrong with a message that broke the socket; `None` if the socket broke by itself.
pub(crate) fn broken(error: &Error) -> Option<ApiError> {
    let too_long = matches!(error, Error::Capacity(CapacityError::MessageTooLong { .. }));
    too_long.then_some(ApiError::MessageTooLarge)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    #[tokio::test]
    async fn a_message_that_was_given_up_half_way_is_whole_before_the_next() {
        // Too little room for a piece: nothing more leaves until somebody reads.
        let (here, there) = tokio::io::duplex(1_024);
        let here = WebSocketStream::from_raw_socket(here, Role::Server, None).await;
        let mut there = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
        let mut socket = Socket::new(here);
        let long = Bytes::from(vec![7; 3 * limits::SOCKET_PIECE + 1]);
        let given_up = socket.send(Message::Binary(long.clone())).now_or_never();
        assert!(given_up.is_none(), "it went at once");
        let (sent, read) = tokio::join!(socket.send(Message::text("next")), async {
            [there.next().await, there.next().await].map(|message| message.unwrap().unwrap())
        });
        sent.unwrap();
        assert_eq!(read, [Message::Binary(long), Message::text("next")]);
    }
}
