"""Whether the documentation that gdbus-codegen has made is well-formed and has each member of the XML.

    docbook.py INTERFACE.xml DOCBOOK.xml
"""

import sys
import xml.etree.ElementTree as ET

interface = ET.parse(sys.argv[1]).find("interface")
text = open(sys.argv[2], encoding="utf-8").read()
words = " ".join("".join(ET.fromstring(text).itertext()).split())


def title(member):
    name = member.get("name")
    return f"The {name}() method" if member.tag == "method" else f'The "{name}" {member.tag}'


missing = [title(member) for member in interface if title(member) not in words]
assert not missing, f"{sys.argv[2]} lacks {missing}"
