#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A strict stand-in for the Sunfish reference server: it walks as that one does, and notes what
would be a mistake there. Written from what was seen on the wire.

sunfish-server.py [QUIRK]...    its port is the first line it prints; it ends with its input

Quirks, each for one request: register-500-before, register-500-after, register-empty-after,
upload-break, event-empty. Always: patch-500.
/_log tells what was seen, /_reset forgets all, /_forget only the source of the agent.
"""
import http.client
import json
import os
import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

V1 = "/redfish/v1"
SOURCES = V1 + "/AggregationService/AggregationSources"
OWN = [V1, V1 + "/AggregationService", V1 + "/EventService", V1 + "/CompositionService"]
TOPS = ("Fabrics", "Storage", "Systems", "Chassis")

quirks = set(sys.argv[1:])
objects = {}
mistakes = []
requests = []
events = []
one_event = threading.Lock()


class Stop(Exception):
    pass


def quirk(name):
    """Is it to be now? Once."""
    if name in quirks:
        quirks.discard(name)
        return True
    return False


def ask(host, method, path, body=None):
    url = urllib.parse.urlsplit(host)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    text = json.dumps(body) if body is not None else None
    connection.request(method, path, text, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data


def links_of(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "@odata.id" and path:
                yield inner
            elif key != "Sunfish_RM":
                yield from links_of(inner, path + (key,))
    elif isinstance(value, list):
        for inner in value:
            yield from links_of(inner, path + ("",))


def check(uri, doc):
    """The rules for each document."""
    if doc.get("@odata.id") != uri:
        mistakes.append("%s says it is %s" % (uri, doc.get("@odata.id")))
    if not str(doc.get("@odata.type", "")).startswith("#"):
        mistakes.append("%s has no type" % uri)
    if "Oem" in doc and not isinstance(doc["Oem"], dict):
        mistakes.append("%s has an Oem that is no object" % uri)
    for link in links_of(doc):
        if not isinstance(link, str) or not link.startswith(V1 + "/") or link.endswith("/"):
            mistakes.append("%s has the link %r" % (uri, link))
            raise Stop
        if link.split("/")[3].split("#")[0] not in TOPS:
            mistakes.append("%s has a link to a service: %s" % (uri, link))
            raise Stop


def walk(source, origin):
    status, data = ask(source["HostName"], "GET", "/" + origin)
    if status != 200:
        mistakes.append("the origin %s is %d" % (origin, status))
        raise Stop
    todo, seen = [origin], set()
    taken = source["Links"]["ResourcesAccessed"]
    while todo:
        todo.sort()
        uri = todo.pop(0)
        if uri in seen:
            continue
        seen.add(uri)
        status, data = ask(source["HostName"], "GET", uri)
        if status != 200:
            if not uri.endswith("/Ports"):
                mistakes.append("%s is linked and %d" % (uri, status))
            continue
        doc = json.loads(data)
        check(uri, doc)
        if "Collection" not in doc["@odata.type"] and uri not in objects:
            doc.setdefault("Oem", {}).setdefault("Sunfish_RM", {})["ManagingAgent"] = {
                "@odata.id": source["@odata.id"]}
            objects[uri] = doc
        if uri not in taken:
            taken.append(uri)
        if len(taken) > 3 and quirk("upload-break"):
            raise Stop
        for link in links_of(doc):
            link = link.split("#")[0]
            parts = link.split("/")
            todo += ["/".join(parts[:n]) for n in range(5, len(parts))] + [link]


def source_of(context):
    return objects.get(SOURCES + "/" + context) if context else None


def discovered(event, name):
    if quirk("register-500-before"):
        return 500
    if name in objects:
        return 409
    host = event["MessageArgs"][1]
    status, data = ask(host, "GET", "/" + name)
    if status != 200:
        mistakes.append("the ConnectionMethod is %d" % status)
        return 500
    method = json.loads(data)
    if method["@odata.id"] != name or method["ConnectionMethodType"] != "Redfish":
        mistakes.append("the ConnectionMethod is wrong")
    one = str(uuid.uuid4())
    objects[name] = method
    uri = SOURCES + "/" + one
    objects[uri] = {"@odata.id": uri, "Id": one, "HostName": host, "Links": {
        "ConnectionMethod": {"@odata.id": name}, "ResourcesAccessed": []}}
    ask(host, "PATCH", V1 + "/EventService/Subscriptions/SunfishServer", {"Context": one})
    if quirk("register-500-after"):
        return 500
    return 0 if quirk("register-empty-after") else 200


def handle(doc):
    for event in doc["Events"]:
        what = event["MessageId"].split(".")[-1]
        origin = event["OriginOfCondition"]["@odata.id"]
        events.append("%s %s" % (what, origin))
        if what == "AggregationSourceDiscovered":
            status = discovered(event, origin)
            if status != 200:
                return status
        elif what == "ResourceCreated":
            source = source_of(doc["Context"])
            if not source:
                return 400
            try:
                walk(source, origin)
            except Stop:
                return 500
        elif origin not in objects or quirk("event-empty"):
            return 0
    return 200


def owner(uri):
    doc = objects.get(uri, {})
    link = doc.get("Oem", {}).get("Sunfish_RM", {}).get("ManagingAgent", {})
    return objects.get(link.get("@odata.id"))


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        self.close_connection = True
        if not status:
            return
        text = json.dumps(value if value is not None else []).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        if self.headers.get("Expect"):
            mistakes.append("Expect is sent")
        if self.headers.get("Content-Type") != "application/json":
            mistakes.append("the type is %s" % self.headers.get("Content-Type"))
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        if self.path == "/_log":
            self.answer(200, {"mistakes": mistakes, "events": events, "objects": objects})
        elif self.path == SOURCES:
            self.answer(200, {"Members": [{"@odata.id": uri} for uri in sorted(objects)
                                          if uri.startswith(SOURCES + "/")]})
        elif self.path in objects:
            self.answer(200, objects[self.path])
        else:
            self.answer(404)

    def do_POST(self):
        if self.path == "/_reset":
            objects.clear()
            events.clear()
            self.answer(200)
        elif self.path == "/_forget":
            for uri in [uri for uri in objects if uri.startswith(SOURCES)]:
                del objects[uri]
            self.answer(200)
        elif self.path == "/EventListener":
            if not one_event.acquire(blocking=False):
                mistakes.append("two events at once")
                self.answer(500)
                return
            try:
                status = handle(self.body())
            finally:
                one_event.release()
            self.answer(status)
        else:
            self.create(self.body())

    def create(self, doc):
        if self.path == SOURCES:
            objects[doc["@odata.id"]] = doc
            self.answer(200, doc)
            return
        source = owner(self.path.rsplit("/", 1)[0])
        if not source or "@odata.type" not in doc:
            self.answer(400)
            return
        doc["Id"] = str(uuid.uuid4())
        doc["@odata.id"] = self.path + "/" + doc["Id"]
        status, data = ask(source["HostName"], "POST", "/" + doc["@odata.id"], doc)
        if status != 200:
            self.answer(0)
            return
        made = json.loads(data)
        objects[made["@odata.id"]] = made
        self.answer(200, made)

    def do_PATCH(self):
        doc = self.body()
        source = owner(self.path)
        if "patch-500" in quirks and source:
            self.answer(500)
            return
        if self.path not in objects:
            self.answer(404)
            return
        if source:
            status, data = ask(source["HostName"], "PATCH", "/" + doc["@odata.id"], doc)
            if status != 200:
                self.answer(0)
                return
            doc = json.loads(data)
            if doc["Oem"]["Sunfish_RM"]["ManagingAgent"]["@odata.id"] != source["@odata.id"]:
                mistakes.append("%s has another owner" % self.path)
        objects[self.path].update(doc)
        self.answer(200, objects[self.path])

    def do_DELETE(self):
        source = owner(self.path)
        if self.path not in objects:
            self.answer(404)
        elif source:
            ask(source["HostName"], "DELETE", "/" + self.path)
            self.answer(500)
        else:
            for uri in [uri for uri in objects if (uri + "/").startswith(self.path + "/")]:
                del objects[uri]
            self.answer(200)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
os._exit(0)
