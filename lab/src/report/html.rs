//! The page around a report: one style sheet, escaping, tables.

/// Colours by light; hues as in the pages of rooms, told apart by the colour-blind too.
const LIGHT: &str = "--sky:#f6f4ee;--panel:#fffdf8;--line:#ddd6c6;--ink:#1b2233;--dim:#56607a;--accent:#8a5c00;\
--h0:#9a6700;--h1:#c0392b;--h2:#0072b2;--h3:#00795a;--h4:#6750a4;--h5:#1a8f9c;--h6:#c2559d;--h7:#737b8e;";

const DARK: &str = "--sky:#0b1020;--panel:#121a30;--line:#2c3857;--ink:#eef2ff;--dim:#a3b0d0;--accent:#ffd166;\
--h0:#ffd166;--h1:#ff8a75;--h2:#5aa2ff;--h3:#2bc48a;--h4:#b7a5f0;--h5:#7fe0e6;--h6:#f08cc6;--h7:#8a97b8;";

const STYLE: &str = r#"
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;padding:1.6rem 1.2rem 3rem;max-width:78rem;background:var(--sky);color:var(--ink);font:400 16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;color:var(--dim);font-size:.9rem;margin:0 .2rem .5rem}
header b{color:var(--ink);font-weight:650}
h1{font-size:1.7rem;line-height:1.25;font-weight:650;margin:.2rem .2rem .3rem;letter-spacing:-.005em;overflow-wrap:anywhere}
h2{font-size:1.02rem;font-weight:650;margin:0 0 .2rem}
h3{font-size:.92rem;font-weight:650;margin:1rem 0 .2rem}
p{margin:.35rem 0;max-width:62rem}
section{background:var(--panel);border:1px solid var(--line);border-radius:.8rem;padding:1rem 1.2rem;margin-top:1rem;min-width:0}
.lead{font-size:1.16rem;line-height:1.5;margin:0}
.lead+.lead{margin-top:.5rem}
.lead b{font-weight:650}
.note{color:var(--dim);font-size:.86rem}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1rem;margin-top:1rem}
.pair>section{margin-top:0}
.pair>.rest:last-child:nth-child(odd){grid-column:1/-1}
.three{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem 1.4rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;margin:.4rem 0}
.tiles div{border-left:4px solid var(--k,var(--line));padding-left:.7rem}
.tiles strong{display:block;font-size:1.9rem;font-weight:650;line-height:1.15;font-variant-numeric:tabular-nums}
.tiles span{display:block;font-size:.86rem;line-height:1.35}
.tiles small{display:block;color:var(--dim);font-size:.8rem;line-height:1.35}
figure{margin:0;min-width:0}
figcaption{margin-bottom:.3rem}
figcaption span{display:block;color:var(--dim);font-size:.86rem}
figure svg.plot{display:block;width:100%;height:auto;overflow:visible}
svg.slim{display:none!important}
svg text{fill:var(--ink);font-family:inherit}
svg .quiet{fill:var(--dim)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .curve{fill:none;stroke:var(--k);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
svg .strong{stroke-width:3}
svg .band{fill:var(--k);fill-opacity:.13;stroke:none}
svg .mark{fill:var(--k);stroke:var(--panel);stroke-width:1}
svg .hollow{fill:var(--panel);stroke:var(--k);stroke-width:1.6}
svg .leader{stroke:var(--k);stroke-width:1;stroke-opacity:.6;fill:none}
svg .bar{fill:var(--k)}
svg .bar.open{fill:var(--k);fill-opacity:.28;stroke:var(--k);stroke-width:1}
svg .cell{stroke:var(--panel);stroke-width:2}
svg .up{fill:var(--h2)}svg .down{fill:var(--h1)}
.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;margin:.5rem 0 0;padding:0;font-size:.86rem}
.legend svg{width:2.2rem;height:.9rem;vertical-align:-.1rem;margin-right:.35rem}
.scroll{overflow-x:auto;margin:.4rem -.3rem 0;padding:0 .3rem}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:min(100%,36rem)}
caption{text-align:left;color:var(--dim);font-size:.86rem;padding:0 0 .3rem}
th,td{padding:.3rem .55rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
td,thead th{padding-left:.7rem}
th{font-weight:600}
thead th{color:var(--dim);font-weight:500;vertical-align:bottom;line-height:1.25;white-space:normal}
.dense table{width:100%;font-size:.82rem}.dense th,.dense td{padding:.3rem .38rem}.dense .gap{padding-left:.9rem}
thead tr.over>*{border-bottom:0;color:var(--ink);font-weight:600;padding-bottom:0;text-align:left;white-space:nowrap}
th:first-child{text-align:left;position:sticky;left:0;background:var(--panel)}
td.words{text-align:left;white-space:normal}
tr.best th,tr.best td{background:color-mix(in srgb,var(--accent) 13%,var(--panel));font-weight:650}
tbody tr:last-child>*{border-bottom:0}
th.gap,td.gap{padding-left:1.6rem}
details{margin-top:.5rem}
summary{cursor:pointer;color:var(--dim);font-size:.86rem}
summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
pre{background:var(--sky);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;overflow-x:auto;font:.84rem/1.45 ui-monospace,"DejaVu Sans Mono",monospace;margin:.4rem 0}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.92em;overflow-wrap:anywhere}
svg.key{width:.95em;height:.95em;margin-right:.4em;vertical-align:-.12em}
ol.next{margin:.3rem 0 0;padding-left:1.3rem}
ol.next li{margin:.3rem 0}
@media (max-width:900px){.pair{grid-template-columns:minmax(0,1fr)}}
@media (max-width:560px){body{padding:1rem .6rem 2rem}section{padding:.8rem .8rem;border-radius:.6rem}h1{font-size:1.35rem}.lead{font-size:1.04rem}svg.wide{display:none!important}svg.slim{display:block!important}th:first-child{max-width:9.5rem;overflow:hidden;text-overflow:ellipsis}}
@media print{:root{--sky:#fff;--panel:#fff}html{font-size:9pt}body{background:#fff;padding:0;max-width:none;font-size:1rem}section{break-inside:avoid;border:0;padding:0;margin-top:.7rem}details{display:none}}
"#;

/// Text made safe inside an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// The text with no line break beside a plus-minus sign.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" ± ", "\u{a0}±\u{a0}")
}

/// A whole page. `title` is text; `more_style` and `body` are used as they are.
pub(super) fn page(title: &str, more_style: &str, body: &str) -> String {
    let hues: String = (0..8)
        .map(|hue| format!(".k{hue}{{--k:var(--h{hue})}}"))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>:root{{{LIGHT}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{DARK}}}}}\n\
         {hues}{STYLE}{more_style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escape(title)
    )
}

/// A table; every text in it is HTML already.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// What it shows; empty for none.
    pub(super) caption: String,
    /// Names over several columns, each with the number it spans; may be empty.
    pub(super) groups: Vec<(String, usize)>,
    /// Names of the columns.
    pub(super) head: Vec<String>,
    /// Rows; the first cell names the row.
    pub(super) rows: Vec<Vec<String>>,
    /// The row to stress.
    pub(super) best: Option<usize>,
}

impl Table {
    /// The table in a box of its own that scrolls sideways.
    pub(super) fn html(&self) -> String {
        let mut starts = Vec::new();
        let mut column = 0;
        for (_, span) in &self.groups {
            starts.push(column);
            column += span;
        }
        let class = |column: usize| {
            if column > 0 && starts.contains(&column) {
                " class=\"gap\""
            } else {
                ""
            }
        };
        let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table>");
        if !self.caption.is_empty() {
            html += &format!("<caption>{}</caption>", self.caption);
        }
        html += "<thead>";
        if !self.groups.is_empty() {
            html += "<tr class=\"over\">";
            for ((name, span), start) in self.groups.iter().zip(&starts) {
                let class = class(*start);
                html += &match name.as_str() {
                    "" => format!("<td colspan=\"{span}\"{class}></td>"),
                    _ => format!("<th colspan=\"{span}\" scope=\"colgroup\"{class}>{name}</th>"),
                };
            }
            html += "</tr>";
        }
        html += "<tr>";
        for (column, name) in self.head.iter().enumerate() {
            html += &format!("<th scope=\"col\"{}>{name}</th>", class(column));
        }
        html += "</tr></thead>\n<tbody>";
        for (index, row) in self.rows.iter().enumerate() {
            html += if self.best == Some(index) {
                "<tr class=\"best\">"
            } else {
                "<tr>"
            };
            for (column, cell) in row.iter().enumerate() {
                html += &match column {
                    0 => format!("<th scope=\"row\">{cell}</th>"),
                    _ => format!("<td{}>{cell}</td>", class(column)),
                };
            }
            html += "</tr>\n";
        }
        html += "</tbody></table></div>\n";
        html
    }

    /// The table, folded away under a line of text.
    pub(super) fn folded(&self, line: &str) -> String {
        format!(
            "<details><summary>{}</summary>{}</details>\n",
            escape(line),
            self.html()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;"
        );
        assert!(
            page("</title><script>", "", "")
                .contains("<title>&lt;/title&gt;&lt;script&gt;</title>")
        );
    }

    #[test]
    fn a_spread_stays_with_its_mean() {
        assert_eq!(unbroken("5.0 ± 0.3 points"), "5.0\u{a0}±\u{a0}0.3 points");
    }

    #[test]
    fn a_table_names_its_rows_and_columns() {
        let html = Table {
            caption: "numbers".into(),
            groups: vec![(String::new(), 1), ("both".into(), 2)],
            head: vec!["arm".into(), "x".into(), "y".into()],
            rows: vec![
                vec!["a".into(), "1".into(), "2".into()],
                vec!["b".into(), "3".into(), "4".into()],
            ],
            best: Some(1),
        }
        .html();
        assert!(html.contains("<th colspan=\"2\" scope=\"colgroup\" class=\"gap\">both</th>"));
        assert!(html.contains(
            "<tr class=\"best\"><th scope=\"row\">b</th><td class=\"gap\">3</td><td>4</td></tr>"
        ));
    }
}
