//! Masks personal data in a drawn screen, for when others watch it.

use ratatui::buffer::Buffer;

use crate::privacy::mask::ADDRESS;

/// Masks addresses and IDs in a drawn screen, but not the addresses of `servers`.
pub fn mask_buffer(buffer: &mut Buffer, ids: &[String], servers: &[String]) {
    let area = buffer.area;
    for row in area.y..area.bottom() {
        let mut line = String::new();
        let mut starts = Vec::new();
        for column in area.x..area.right() {
            starts.push(line.len());
            line.push_str(buffer[(column, row)].symbol());
        }
        let mut hidden: Vec<std::ops::Range<usize>> = ADDRESS
            .find_iter(&line)
            .filter(|found| !servers.iter().any(|server| server == found.as_str()))
            .map(|found| found.range())
            .collect();
        for id in ids {
            let found = line.match_indices(id.as_str());
            hidden.extend(found.map(|(at, text)| at..at + text.len()));
        }
        // A cut ID still identifies a person.
        for (at, _) in line.match_indices('…') {
            let before = &line[..at];
            let cut = ids.iter().filter_map(|id| {
                let starts = id.char_indices().map(|(end, _)| &id[..end]).rev();
                let longest = starts
                    .take_while(|s| s.len() >= 2)
                    .find(|s| before.ends_with(s));
                longest.map(str::len)
            });
            hidden.extend(cut.max().map(|length| at - length..at));
        }
        for (column, start) in (area.x..).zip(starts) {
            if hidden.iter().any(|range| range.contains(&start)) {
                buffer[(column, row)].set_symbol("•");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::privacy::mask::addresses;

    #[test]
    fn the_net_hides_ids_and_addresses_wherever_they_are_drawn() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 2));
        buffer.set_string(
            0,
            0,
            "rule user_id == \"u-0007\" || x == \"a.b@c.de\" 日",
            Style::new(),
        );
        buffer.set_string(0, 1, "12:04:31 10.0.0.1 u-00 u-00… by…", Style::new());
        mask_buffer(&mut buffer, &["u-0007".to_owned()], &[]);
        let line = |row: u16| -> String { (0..60).map(|x| buffer[(x, row)].symbol()).collect() };
        assert!(line(0).starts_with("rule user_id == \"••••••\" || x == \"••••••••\" 日"));
        assert!(line(1).starts_with("12:04:31 •••••••• u-00 ••••… by…"));
        // The address of a server is not a person's.
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 1));
        buffer.set_string(0, 0, "ws://10.0.0.5:4080 from 10.0.0.1", Style::new());
        let servers: Vec<String> = addresses("ws://10.0.0.5:4080").map(str::to_owned).collect();
        mask_buffer(&mut buffer, &[], &servers);
        let line: String = (0..60).map(|x| buffer[(x, 0)].symbol()).collect();
        assert!(
            line.starts_with("ws://10.0.0.5:4080 from ••••••••"),
            "{line}"
        );
    }
}
