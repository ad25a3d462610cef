//! Updates that are refused, and rounds that go on all the same.

use constellation_core::ids::{Round, RunId};
use constellation_core::wire::RoundOpened;
use constellation_core::wire::safetensors::{Builder, Tensors, limits as file_limits};
use constellation_server::limits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{FakeDevice, Room, Socket, TestServer, fine, problem, small};

/// A room in its first round, with two devices of which the first one misbehaves.
struct Training<'a> {
    room: Room<'a>,
    devices: [FakeDevice; 2],
    sockets: [Socket; 2],
    opened: RoundOpened,
}

async fn training(server: &TestServer) -> Training<'_> {
    let room = server.room(&small()).await;
    let devices = [room.join().await, room.join().await];
    let (mut a, _) = room.connect(&devices[0]).await;
    let (mut b, _) = room.connect(&devices[1]).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    let (opened, _) = a.round(&devices[0]).await;
    b.round(&devices[1]).await;
    Training {
        room,
        devices,
        sockets: [a, b],
        opened,
    }
}

impl Training<'_> {
    fn good(&self) -> Vec<u8> {
        self.devices[0].update(&self.opened, 1.0).encode()
    }

    async fn refused(&self, body: Vec<u8>, status: u16, code: &str) -> Value {
        problem(
            self.room
                .post_update(&self.devices[0], Round(1), body)
                .await,
            status,
            code,
        )
        .await
    }

    /// The first device's good update with one tensor put in otherwise.
    fn altered(&self, alter: impl Fn(&mut Builder, &str, &[usize], &[f32])) -> Vec<u8> {
        let bytes = self.good();
        let file = Tensors::parse(&bytes).unwrap();
        let mut builder = Builder::new();
        for key in ["message", "update"] {
            builder.metadata(key, file.metadata(key).unwrap());
        }
        for name in file.names() {
            let tensor = file.get(name).unwrap();
            let mut values = Vec::new();
            tensor.read_f32(&mut values);
            if name == "fed_avg/0.bias" {
                alter(&mut builder, name, tensor.shape, &values);
            } else {
                builder.tensor(name, tensor.shape, &values);
            }
        }
        builder.finish()
    }
}

/// A safetensors file with a header by hand and `data` bytes of zeros.
fn by_hand(header: &Value, data: usize) -> Vec<u8> {
    let header = header.to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_updates_are_refused_and_the_round_goes_on() {
    let server = TestServer::start().await;
    let mut t = training(&server).await;
    let mut board = t.room.live().await;
    // The second device's update is in; nothing that follows may lose it.
    let good = t.devices[1].update(&t.opened, 3.0).encode();
    fine(t.room.post_update(&t.devices[1], Round(1), good).await, 202).await;

    let good = t.good();
    let mut expected: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    let mut cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (Vec::new(), 422, "bad_file"),
        (good[..7].to_vec(), 422, "bad_file"),
        (good[..good.len() - 1].to_vec(), 422, "bad_file"),
        ([&good[..], &[0]].concat(), 422, "bad_file"),
        (
            [&u64::MAX.to_le_bytes(), &good[8..]].concat(),
            422,
            "bad_file",
        ),
        (
            [&(file_limits::HEADER as u64 + 1).to_le_bytes(), &good[8..]].concat(),
            422,
            "bad_file",
        ),
        (
            b"not a file at all, but longer than eight bytes".to_vec(),
            422,
            "bad_file",
        ),
        (
            by_hand(&json!({ "__metadata__": {} }), 0),
            422,
            "bad_metadata",
        ),
        (
            by_hand(&json!({ "__metadata__": { "message": "round_opened" } }), 0),
            422,
            "bad_metadata",
        ),
        (
            by_hand(
                &json!({ "__metadata__": { "message": "update", "update": "{" } }),
                0,
            ),
            422,
            "bad_metadata",
        ),
    ];
    cases.push((t.altered(|_, _, _, _| {}), 422, "missing_tensor"));
    cases.push((
        t.altered(|file, name, shape, values| {
            file.tensor(name, shape, values);
            file.tensor("fed_avg/9.bias", shape, values);
        }),
        422,
        "unknown_tensor",
    ));
    cases.push((
        t.altered(|file, name, shape, values| {
            file.tensor(name, shape, values);
            file.tensor("local_only/0.bias", shape, values);
        }),
        422,
        "unknown_tensor",
    ));
    cases.push((
        t.altered(|file, name, _, values| file.tensor(name, &[5, 2], values)),
        422,
        "wrong_shape",
    ));
    cases.push((
        t.altered(|file, name, _, values| file.tensor(name, &[9], &values[..9])),
        422,
        "wrong_shape",
    ));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let body = t.altered(|file, name, shape, values| {
            let mut values = values.to_vec();
            values[3] = bad;
            file.tensor(name, shape, &values);
        });
        cases.push((body, 422, "non_finite"));
    }
    let halves = json!({
        "__metadata__": { "message": "update", "update": update_header(&good) },
        "fed_avg/0.bias": { "dtype": "F16", "shape": [10], "data_offsets": [0, 20] },
        "fed_avg/0.weight": { "dtype": "F16", "shape": [10, 784], "data_offsets": [20, 15_700] },
        "coalition_models/0.bias": { "dtype": "F16", "shape": [10], "data_offsets": [15_700, 15_720] },
        "coalition_models/0.weight": { "dtype": "F16", "shape": [10, 784], "data_offsets": [15_720, 31_400] },
    });
    cases.push((by_hand(&halves, 31_400), 422, "wrong_type"));
    let mut update = t.devices[0].update(&t.opened, 1.0);
    update.report.arms.get_mut("fed_avg").unwrap().own_before = Some(1.5);
    cases.push((update.encode(), 422, "bad_report"));
    let mut update = t.devices[0].update(&t.opened, 1.0);
    update.report.arms.remove("local_only");
    cases.push((update.encode(), 422, "bad_report"));
    let mut update = t.devices[0].update(&t.opened, 1.0);
    update.round = Round(2);
    cases.push((update.encode(), 422, "round_mismatch"));
    let mut update = t.devices[0].update(&t.opened, 1.0);
    update.weights.clear();
    cases.push((update.encode(), 422, "wrong_kind"));

    // Only so many posts of a device may come to nothing; the other devices are not part of the round.
    let mut devices = [t.devices[0].clone(), t.room.join().await];
    let refused = cases.len();
    assert!(refused < devices.len() * usize::try_from(limits::FUTILE_POSTS).unwrap());
    // The last one is refused by the room itself, as long as the round is open: the others end it.
    cases.reverse();
    for (index, (body, status, code)) in cases.into_iter().enumerate() {
        if index == usize::try_from(limits::FUTILE_POSTS).unwrap() {
            devices.swap(0, 1);
        }
        problem(
            t.room.post_update(&devices[0], Round(1), body).await,
            status,
            code,
        )
        .await;
        *expected.entry(code.to_owned()).or_default() += 1;
    }
    let view = board
        .view_where("all refusals", |view| {
            view.refusals.values().sum::<u32>() as usize == refused
        })
        .await;
    assert_eq!(view.refusals, expected);
    assert_eq!(view.devices[2].last_refusal.as_deref(), Some("bad_file"));
    assert_eq!(view.devices[0].refused, limits::FUTILE_POSTS);
    assert_eq!(view.devices[1].refused, 0);
    // The round went on with the update that was good.
    let (next, _) = t.sockets[1].round(&t.devices[1]).await;
    assert_eq!(next.round, Round(2));
}

/// The JSON of a good update.
fn update_header(good: &[u8]) -> String {
    Tensors::parse(good)
        .unwrap()
        .metadata("update")
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_refused_may_do_better() {
    let server = TestServer::start().await;
    let mut t = training(&server).await;
    let good = t.good();
    t.refused(good[..100].to_vec(), 422, "bad_file").await;
    fine(t.room.post_update(&t.devices[0], Round(1), good).await, 202).await;
    let good = t.devices[1].update(&t.opened, 3.0).encode();
    fine(t.room.post_update(&t.devices[1], Round(1), good).await, 202).await;
    let (next, _) = t.sockets[0].round(&t.devices[0]).await;
    assert_eq!(next.round, Round(2));
    assert_eq!(t.room.view().await.arms[1].coalitions.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_that_are_not_open() {
    let server = TestServer::start().await;
    let t = training(&server).await;
    let a = &t.devices[0];
    let at = |round: u32, run: u32| {
        let mut update = a.update(&t.opened, 1.0);
        (update.round, update.run) = (Round(round), RunId(run));
        update.encode()
    };
    let future = t.room.post_update(a, Round(2), at(2, 1)).await;
    assert_eq!(
        problem(future, 422, "future_round").await["current_round"],
        1
    );
    let stale = t.room.post_update(a, Round(0), at(0, 1)).await;
    assert_eq!(problem(stale, 409, "stale").await["current_round"], 1);
    let other_run = t.room.post_update(a, Round(1), at(1, 7)).await;
    assert!(problem(other_run, 409, "stale").await["current_round"].is_null());
    // A device that comes in the middle of a round is asked from the next one on.
    let late = t.room.join().await;
    let _socket = t.room.connect(&late).await;
    let response = t
        .room
        .post_update(&late, Round(1), late.update(&t.opened, 1.0).encode())
        .await;
    problem(response, 422, "not_in_cohort").await;
    fine(t.room.post_update(a, Round(1), t.good()).await, 202).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_need_the_token_of_a_device_of_this_room() {
    let server = TestServer::start().await;
    let t = training(&server).await;
    let other = server.room(&small()).await;
    let stranger = other.join().await;
    let path = t.room.path("/rounds/1/updates");
    let with = |token: &str| {
        server
            .request(Method::POST, &path)
            .bearer_auth(token)
            .body(t.good())
            .send()
    };
    problem(
        server
            .request(Method::POST, &path)
            .body(t.good())
            .send()
            .await
            .unwrap(),
        401,
        "missing_token",
    )
    .await;
    for token in ["guess", stranger.token.as_str(), t.room.desk_token.as_str()] {
        problem(with(token).await.unwrap(), 401, "wrong_token").await;
    }
    // Counted for the room, and for no device: nobody can make another's round go on without it.
    let view = t.room.view().await;
    assert!(view.refusals["wrong_token"] > 0);
    assert!(view.devices.iter().all(|device| device.refused == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_longest() {
    let server = TestServer::start().await;
    let t = training(&server).await;
    let longest = t.devices[0].models.longest_update();
    t.refused(vec![0; longest], 422, "bad_file").await;
    let problem = t.refused(vec![0; longest + 1], 413, "body_too_large").await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains(&longest.to_string())
    );
    assert_eq!(t.room.view().await.refusals["body_too_large"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_that_come_to_nothing_have_a_limit() {
    let server = TestServer::start().await;
    let t = training(&server).await;
    let mut codes = Vec::new();
    // Twice as many as are allowed in a row; more than a few cannot have come back meanwhile.
    for _ in 0..2 * limits::FUTILE_POSTS {
        let response = t
            .room
            .post_update(&t.devices[0], Round(1), Vec::new())
            .await;
        codes.push(response.status().as_u16());
        if codes.last() == Some(&429) {
            assert_eq!(response.headers()["retry-after"], "1");
            problem(response, 429, "too_many_requests").await;
            break;
        }
    }
    let allowed = usize::try_from(limits::FUTILE_POSTS).unwrap();
    assert!(
        codes[..allowed].iter().all(|&code| code == 422),
        "{codes:?}"
    );
    assert_eq!(codes.last(), Some(&429), "{codes:?}");
    // Other devices do not notice.
    let good = t.devices[1].update(&t.opened, 3.0).encode();
    fine(t.room.post_update(&t.devices[1], Round(1), good).await, 202).await;
}
