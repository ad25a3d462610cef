//! Updates in two parts: what is written is read, whatever does not fit is refused by name, and each part weighs what it
//! would with one arm.

use super::*;
use crate::rejection::Rejection;
use crate::sketch::{NUMBERS, Sketch};
use crate::wire::safetensors::Numbers;

fn sketching() -> Models {
    Models {
        sketching: vec!["grouped".to_owned()],
        ..models()
    }
}

fn first() -> Update {
    let mut numbers = vec![3; NUMBERS];
    (numbers[0], numbers[1_023]) = (-128, 127);
    let sketch = Sketch::try_new(numbers).unwrap();
    Update {
        weights: ByName::new(),
        sketches: ByName::from([("grouped".to_owned(), sketch)]),
        ..update()
    }
}

fn second() -> Update {
    Update {
        coalitions: vec![ArmCoalition {
            arm: "grouped".to_owned(),
            coalition: CoalitionId(3),
        }],
        ..update()
    }
}

fn refused(update: &Update) -> &'static str {
    let error = Update::decode(&update.encode(), &sketching()).unwrap_err();
    Rejection::from(error).code()
}

#[test]
fn both_parts_are_read_as_they_were_written() {
    for part in [first(), second()] {
        assert_eq!(Update::decode(&part.encode(), &sketching()), Ok(part));
    }
    // A device that rests sends the weights of other arms alone.
    let mut others = update();
    others.weights.remove("grouped");
    assert_eq!(Update::decode(&others.encode(), &sketching()), Ok(others));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let mut both = first();
    both.weights = update().weights;
    assert_eq!(refused(&both), "unknown_tensor");
    let mut without_coalition = second();
    without_coalition.coalitions.clear();
    assert_eq!(refused(&without_coalition), "unknown_tensor");
    let mut without_weights = second();
    without_weights.weights.remove("grouped");
    assert_eq!(refused(&without_weights), "missing_tensor");
    let mut of_another_arm = second();
    of_another_arm.coalitions[0].arm = "fed_avg".to_owned();
    assert_eq!(refused(&of_another_arm), "bad_metadata");
    let mut twice = second();
    twice.coalitions.extend(second().coalitions);
    assert_eq!(refused(&twice), "bad_metadata");
    // Where nothing asks for sketches, there are none.
    let error = Update::decode(&first().encode(), &models()).unwrap_err();
    assert_eq!(error, WireError::UnknownTensor("grouped/sketch".to_owned()));
}

#[test]
fn sketches_have_so_many_numbers_of_a_byte_each() {
    let refused = |shape: &[usize], numbers: Numbers<'_>| {
        let mut builder = Builder::new();
        builder.metadata("message", "update");
        builder.metadata("update", &header());
        builder.add("grouped/sketch", shape, numbers);
        let error = Update::decode(&builder.finish(), &sketching()).map(drop);
        Rejection::from(error.unwrap_err()).code()
    };
    let numbers = [1; NUMBERS];
    assert_eq!(refused(&[1_023], Numbers::I8(&numbers[1..])), "wrong_shape");
    assert_eq!(refused(&[32, 32], Numbers::I8(&numbers)), "wrong_shape");
    let wide = [1.0; NUMBERS];
    assert_eq!(refused(&[1_024], Numbers::F32(&wide)), "wrong_type");
    let of_two = Models {
        sketching: vec!["fed_avg".to_owned(), "grouped".to_owned()],
        ..models()
    };
    let error = Update::decode(&first().encode(), &of_two).unwrap_err();
    assert_eq!(error, WireError::MissingTensor("fed_avg/sketch".to_owned()));
}

#[test]
fn each_part_weighs_as_much_as_a_file_with_one_arm() {
    let models = sketching();
    let len = |update: &Update, arm| update.only(arm).encode().len() as u64;
    let (first, second) = (first(), second());
    let alone = [first.alone(&models), second.alone(&models)];
    // Weights that never leave the device are reported once, and plain averaging sends all at once.
    let [local, plain, grouped] = ["local_only", "fed_avg", "grouped"];
    let reported = len(&first, local);
    assert_eq!(alone[0].arms, [reported, 0, len(&first, grouped)]);
    let sent = len(&second, plain);
    assert_eq!(alone[1].arms, [0, sent, len(&second, grouped)]);
    assert_eq!([alone[0].plain, alone[1].plain], [sent, 0]);
}
