//! Files that fit, and files that do not.

use super::*;

fn table() -> TableConfig {
    let column = |name: &str, mean, sd| Column {
        name: name.to_owned(),
        mean,
        sd,
    };
    TableConfig {
        label: "exercise".to_owned(),
        labels: vec!["rest".to_owned(), "lift, slow".to_owned()],
        columns: vec![column("x", 0.0, 1.0), column("y", 10.0, 2.0)],
    }
}

/// A first row, and as many good rows as a file needs less one, so that a test's own row is row 11.
fn before() -> String {
    let mut file = "x,y,exercise\n".to_owned();
    file += &"1,12,rest\n".repeat(limits::LEAST_ROWS - 1);
    file
}

fn read(file: &str) -> Result<Examples, TableError> {
    table().read(file.as_bytes())
}

/// What is said of a file whose row 11 is this.
fn refused(row: &str) -> String {
    read(&(before() + row)).unwrap_err().to_string()
}

#[test]
fn rows_are_scaled_as_the_room_declares() {
    let examples = read(&(before() + "-3.5,6,\"lift, slow\"\n")).unwrap();
    assert_eq!(examples.len(), 10);
    assert_eq!(examples.x(0)[..2], [1.0, 1.0]);
    assert_eq!(examples.x(9)[..2], [-3.5, -2.0]);
    assert_eq!(examples.labels()[8..], [0, 1]);
}

#[test]
fn spreadsheets_files_are_the_same_table() {
    let plain = read(&(before() + "1e0,+14.0,rest")).unwrap();
    let crlf = (before() + "1,14,rest\n").replace('\n', "\r\n");
    let marked = format!("\u{feff}{crlf}\r\n\r\n");
    let spaced = before() + "\n\" 1\" , 14 ,\"rest\"";
    let other = before().replace("x,y,exercise", "y,note,exercise,x");
    let other = other.replace("1,12,rest", "12,\"a \"\"b\"\"\nc\",rest,1") + "14,,rest,1";
    for file in [&crlf, &marked, &other] {
        assert_eq!(read(file).as_ref(), Ok(&plain), "{file}");
    }
    // RFC 4180: nothing stands between a closing quote and the comma.
    assert_eq!(read(&spaced), Err(TableError::Quote { row: 12 }));
}

#[test]
fn a_field_that_does_not_fit_is_refused_with_its_row() {
    for (row, reason) in [
        (
            "one,12,rest",
            "row 11, column “x”: “one” is no number such as -1.5",
        ),
        (
            ",12,rest",
            "row 11, column “x”: “” is no number such as -1.5",
        ),
        (
            "1,NaN,rest",
            "row 11, column “y”: “NaN” is no number such as -1.5",
        ),
        (
            "1,-inf,rest",
            "row 11, column “y”: “-inf” is no number such as -1.5",
        ),
        (
            "1,\"1,5\",rest",
            "row 11, column “y”: “1,5” is no number such as -1.5",
        ),
        (
            "1,12,Rest",
            "row 11, column “exercise”: “Rest” is none of the labels rest, lift, slow",
        ),
        ("1,12", "row 11: it has 2 fields, and row 1 has 3"),
        (
            "1,12,lift, slow",
            "row 11: it has 4 fields, and row 1 has 3",
        ),
        (
            "\n1,12,\"rest",
            "row 12: a quote does not close at the end of its field",
        ),
    ] {
        assert_eq!(refused(row), reason);
    }
}

#[test]
fn a_row_after_a_field_of_two_lines_is_counted_by_lines() {
    let file = before().replace("x,y,exercise", "x,y,exercise,\"two\nlines\"");
    let file = file.replace("rest\n", "rest,\n") + "?,12,rest,";
    let error = read(&file).unwrap_err().to_string();
    assert!(error.starts_with("row 12, column “x”"), "{error}");
}

#[test]
fn a_first_row_that_does_not_fit_is_refused() {
    let column = || "y".to_owned();
    for (file, error) in [
        ("", TableError::Empty),
        ("\r\n\n", TableError::Empty),
        ("x;y;exercise\n", TableError::Semicolons),
        ("x,Y,exercise\n", TableError::Missing { column: column() }),
        ("x,y,y,exercise\n", TableError::Twice { column: column() }),
    ] {
        assert_eq!(read(file), Err(error), "{file:?}");
    }
}

#[test]
fn text_that_is_no_utf_8_is_refused() {
    let mut file = before().into_bytes();
    // “運動” as a spreadsheet in Japan may save it.
    file.extend(b"1,12,\x89\x5e\x93\xae\n");
    assert_eq!(table().read(&file), Err(TableError::Encoding { row: 11 }));
}

#[test]
fn a_long_field_is_shown_in_part() {
    let shown = "z".repeat(limits::SHOWN);
    assert!(refused(&format!("{shown},1,rest")).contains(&format!("“{shown}”")));
    assert!(refused(&format!("{shown}z,1,rest")).contains(&format!("“{shown}”")));
}

#[test]
fn numbers_are_taken_up_to_a_distance_from_the_mean() {
    assert!(read(&(before() + "-1000,2010,rest")).is_ok());
    let reason = "row 11, column “y”: 2010.5 is not within -1990 to 2010";
    assert_eq!(refused("1,2010.5,rest"), reason);
}

#[test]
fn a_file_has_so_many_rows() {
    let enough = before() + "1,12,rest";
    assert!(read(&enough).is_ok());
    assert_eq!(
        read(&before()),
        Err(TableError::TooFew {
            found: limits::LEAST_ROWS - 1,
            least: limits::LEAST_ROWS,
        })
    );
    let most = "x,y,exercise\n".to_owned() + &"1,12,rest\n".repeat(limits::ROWS);
    assert_eq!(read(&most).map(|examples| examples.len()), Ok(limits::ROWS));
    let row = limits::ROWS + 2;
    assert_eq!(
        read(&(most + "1,12,rest")),
        Err(TableError::TooMany {
            row,
            most: limits::ROWS,
        })
    );
}

#[test]
fn a_file_has_so_many_bytes() {
    let file = before() + "1,12,rest";
    let filled = file.clone() + &"\n".repeat(limits::BYTES - file.len());
    assert!(read(&filled).is_ok());
    let error = read(&(filled + "\n")).unwrap_err();
    let (found, most) = (limits::BYTES + 1, limits::BYTES);
    assert_eq!(error, TableError::Bytes { found, most });
}

#[test]
fn rows_are_dealt_out_evenly_over_each_label() {
    let rows = |labels: &[u8]| {
        let mut rows = Examples::new(1);
        for (row, &label) in labels.iter().enumerate() {
            rows.push([row as f32], label);
        }
        rows
    };
    let dealt = |labels: &[u8], parts| {
        deal(&rows(labels), parts).map(|part| {
            let row = |i| (part.x(i)[0] as usize, part.labels()[i]);
            (0..part.len()).map(row).collect::<Vec<_>>()
        })
    };
    // Label 0 is in rows 0, 2, 4, 6, 8, label 1 in the others; every fifth of these ten is held out.
    let [train, held_out, validation] = dealt(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [400, 100, 0]);
    assert_eq!(held_out, [(8, 0), (9, 1)]);
    let kept = [0, 2, 4, 6].map(|row| (row, 0));
    assert_eq!(train[..4], kept);
    assert_eq!(train[4..], [1, 3, 5, 7].map(|row| (row, 1)));
    assert!(validation.is_empty());
    // Of the eight that are kept, every fourth is for validation.
    let [train, _, validation] = dealt(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [3, 1, 1]);
    assert_eq!(validation, [(6, 0), (7, 1)]);
    assert_eq!(train.len(), 6);
    // Whatever is asked for, there are rows to learn from and rows to be measured on, and none is in two parts.
    for parts in [
        [1, 20_000, 20_000],
        [20_000, 1, 1],
        [1, 20_000, 0],
        [1, 1, 20_000],
    ] {
        let lengths = dealt(&[0; 10], parts).map(|part| part.len());
        assert_eq!(lengths.iter().sum::<usize>(), 10, "{parts:?}");
        assert!(lengths[0] > 0 && lengths[1] > 0, "{parts:?}: {lengths:?}");
        assert_eq!(lengths[2] > 0, parts[2] > 0, "{parts:?}: {lengths:?}");
    }
}

/// A declaration, changed, and whether it is one still.
fn holds(change: impl FnOnce(&mut TableConfig)) -> bool {
    let mut table = table();
    change(&mut table);
    table.check().is_ok()
}

#[test]
fn a_declaration_has_limits() {
    let columns = |count: usize| {
        let named = move |i| Column {
            name: format!("c{i}"),
            mean: 0.0,
            sd: 1.0,
        };
        (0..count).map(named).collect::<Vec<_>>()
    };
    let labels = |count: usize| (0..count).map(|i| format!("l{i}")).collect::<Vec<_>>();
    assert!(holds(|_| ()));
    for (count, expected) in [
        (0, false),
        (1, true),
        (limits::COLUMNS, true),
        (limits::COLUMNS + 1, false),
    ] {
        assert_eq!(
            holds(|table| table.columns = columns(count)),
            expected,
            "{count}"
        );
    }
    for (count, expected) in [
        (1, false),
        (2, true),
        (limits::LABELS, true),
        (limits::LABELS + 1, false),
    ] {
        assert_eq!(
            holds(|table| table.labels = labels(count)),
            expected,
            "{count}"
        );
    }
    for (length, expected) in [
        (0, false),
        (1, true),
        (limits::NAME, true),
        (limits::NAME + 1, false),
    ] {
        assert_eq!(
            holds(|table| table.label = "n".repeat(length)),
            expected,
            "{length}"
        );
    }
    for (mean, expected) in [
        (-limits::MEAN, true),
        (limits::MEAN, true),
        (limits::MEAN * 1.1, false),
        (f64::NAN, false),
    ] {
        assert_eq!(
            holds(|table| table.columns[0].mean = mean),
            expected,
            "{mean}"
        );
    }
    for (sd, expected) in [
        (limits::LEAST_SD, true),
        (0.0, false),
        (limits::SD, true),
        (limits::SD * 1.1, false),
        (f64::NAN, false),
    ] {
        assert_eq!(holds(|table| table.columns[0].sd = sd), expected, "{sd}");
    }
}

#[test]
fn names_can_be_told_apart_and_found() {
    assert!(!holds(|table| table.label = "x".to_owned()));
    assert!(!holds(|table| table.columns[0].name = "y".to_owned()));
    assert!(!holds(|table| table.labels[0] = "lift, slow".to_owned()));
    assert!(!holds(|table| table.labels[0] = " rest".to_owned()));
    for unwritten in ["a|b", "a=b", "a\nb"] {
        assert!(!holds(|table| table.labels[0] = unwritten.to_owned()));
        assert!(!holds(|table| table.columns[0].name = unwritten.to_owned()));
    }
}
