//! Writing XML as `builtins.toXML` does: elements, attributes, and no text between them.

/// What every document begins with.
pub const HEADER: &[u8] = b"<?xml version='1.0' encoding='utf-8'?>\n";

/// Writes a document, indented by two spaces per level.
#[derive(Clone, Debug)]
pub struct Writer {
    out: Vec<u8>,
    open: Vec<&'static str>,
}

impl Default for Writer {
    fn default() -> Writer {
        Writer { out: HEADER.into(), open: Vec::new() }
    }
}

impl Writer {
    /// How many bytes the document has so far.
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// Opens an element; its attributes must come in byte order of name, as CppNix's do.
    pub fn open(&mut self, name: &'static str, attrs: &[(&str, &[u8])]) {
        self.tag(name, attrs);
        self.out.extend_from_slice(b">\n");
        self.open.push(name);
    }

    /// Closes the element opened last.
    ///
    /// # Panics
    /// If none is open.
    pub fn close(&mut self) {
        let name = self.open.pop().expect("close follows open");
        self.indent();
        for part in ["</", name, ">\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes an element without content.
    pub fn empty(&mut self, name: &'static str, attrs: &[(&str, &[u8])]) {
        self.tag(name, attrs);
        self.out.extend_from_slice(b" />\n");
    }

    /// Closes what is open and returns the document.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn tag(&mut self, name: &str, attrs: &[(&str, &[u8])]) {
        debug_assert!(attrs.is_sorted_by(|a, b| a.0 < b.0), "unsorted or repeated attribute");
        self.indent();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        for (name, value) in attrs {
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape_into(value, &mut self.out);
            self.out.push(b'"');
        }
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + 2 * self.open.len(), b' ');
    }
}

/// Appends the value of an attribute, without its quotes.
pub fn escape_into(value: &[u8], out: &mut Vec<u8>) {
    for &c in value {
        match c {
            b'"' => out.extend_from_slice(b"&quot;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            // A bare newline would be read back as a space.
            b'\n' => out.extend_from_slice(b"&#xA;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_of_to_xml() {
        // builtins.toXML { a = "<\n&\">"; b = []; }
        let mut xml = Writer::default();
        xml.open("expr", &[]);
        xml.open("attrs", &[]);
        xml.open("attr", &[("name", b"a")]);
        xml.empty("string", &[("value", b"<\n&\">")]);
        xml.close();
        xml.open("attr", &[("name", b"b")]);
        xml.open("list", &[]);
        let expected = "<?xml version='1.0' encoding='utf-8'?>\n<expr>\n  <attrs>\n    \
            <attr name=\"a\">\n      <string value=\"&lt;&#xA;&amp;&quot;&gt;\" />\n    </attr>\n    \
            <attr name=\"b\">\n      <list>\n      </list>\n    </attr>\n  </attrs>\n</expr>\n";
        assert_eq!(String::from_utf8_lossy(&xml.finish()), expected);
    }
}
