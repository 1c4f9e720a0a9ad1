// Shows the OpenAPI document. Everything is set as text, never as HTML, so no text in the document can become code.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6;
let documentRoot = {};

function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolve(value) {
  let found = value;
  for (let steps = 0; found && found.$ref && steps < 10; steps += 1) {
    found = found.$ref.split("/").slice(1).reduce((at, key) => (at || {})[key.replaceAll("~1", "/").replaceAll("~0", "~")], documentRoot);
  }
  return found || {};
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const several = schema.anyOf || schema.oneOf || schema.allOf;
  if (several) return several.map(typeOf).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.type === "array") return `[${typeOf(schema.items || {})}]`;
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type || "any";
  return schema.format ? `${type} (${schema.format})` : type;
}

function rulesOf(schema) {
  const names = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "default"];
  return names.filter((name) => schema[name] !== undefined).map((name) => `${name} ${JSON.stringify(schema[name])}`).join(", ");
}

function exampleOf(schema, depth = 0) {
  if (depth > DEEPEST) return null;
  if (schema.$ref) return exampleOf(resolve(schema), depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((each) => exampleOf(each, depth + 1)));
  const several = schema.anyOf || schema.oneOf;
  if (several) return exampleOf(several.find((each) => each.type !== "null") || {}, depth + 1);
  return plainExample(schema, depth);
}

function plainExample(schema, depth) {
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== "null") : schema.type;
  if (type === "object" || schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties || {}).map(([name, inner]) => [name, exampleOf(inner, depth + 1)]));
  }
  if (type === "array") return schema.items ? [exampleOf(schema.items, depth + 1)] : [];
  const formats = { uuid: "0199a1b2-0000-7000-8000-000000000000", "date-time": "2026-11-21T12:00:00Z", date: "2026-11-21", email: "ada@example.org" };
  const plain = { string: formats[schema.format] || "…", integer: 1, number: 1, boolean: true };
  return plain[type] === undefined ? null : plain[type];
}

function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// The little Markdown that the descriptions use: paragraphs and `code`.
function prose(text) {
  const paragraphs = text.split(/\n\s*\n/).map((each) => each.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part)));
  return make("div", { class: "prose" }, ...paragraphs.map((parts) => make("p", {}, ...parts)));
}

function table(headings, rows) {
  const head = make("tr", {}, ...headings.map((text) => make("th", {}, text)));
  return make("table", {}, head, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell)))));
}

function fieldsOf(schema) {
  const known = resolve(schema);
  const required = new Set(known.required || []);
  const rows = Object.entries(known.properties || {}).map(([name, inner]) => [
    make("code", {}, required.has(name) ? `${name} *` : name),
    make("code", {}, typeOf(inner)),
    prose([inner.description || resolve(inner).description || "", rulesOf(inner)].filter(Boolean).join(" · ")),
  ]);
  return rows.length ? table(["field", "type", "meaning"], rows) : null;
}

function contentOf(title, content) {
  return Object.entries(content || {}).flatMap(([media, body]) => {
    const schema = body.schema || {};
    const named = Object.entries(body.examples || {}).map(([name, each]) => [name, resolve(each).value]);
    const single = body.example !== undefined ? body.example : exampleOf(schema);
    const examples = named.length ? named : [[null, single]];
    return [
      make("p", { class: "quiet" }, `${title} ${media} · ${typeOf(schema)}`),
      fieldsOf(schema),
      ...examples.flatMap(([name, value]) => [name ? make("p", { class: "quiet" }, name) : null, make("pre", {}, asText(value))]),
    ];
  });
}

function parametersOf(operation, shared) {
  const all = [...(shared || []), ...(operation.parameters || [])].map(resolve);
  if (!all.length) return [];
  const rows = all.map((each) => [
    make("code", {}, each.required ? `${each.name} *` : each.name),
    `${each.in} · ${typeOf(each.schema || {})}`,
    prose([each.description || "", rulesOf(each.schema || {})].filter(Boolean).join(" · ")),
  ]);
  return [make("h4", {}, "Parameters"), table(["name", "where", "meaning"], rows)];
}

function curlOf(method, path, operation) {
  const lines = [`curl -X ${method.toUpperCase()} ${location.origin}${path}`];
  if ((operation.security || documentRoot.security || []).length) lines.push('-H "Authorization: Bearer $TOKEN"');
  const content = resolve(operation.requestBody || {}).content || {};
  const body = content["application/json"];
  if (body) {
    const example = body.example !== undefined ? body.example : exampleOf(body.schema || {});
    lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n  ");
}

function answersOf(operation) {
  return Object.entries(operation.responses || {}).sort().map(([status, answer]) => {
    const known = resolve(answer);
    const inside = contentOf("Body", known.content);
    return make("details", {}, make("summary", {}, make("code", {}, status), ` ${known.description || ""}`), ...inside);
  });
}

function show(method, path, operation, shared, id) {
  const open = !(operation.security || documentRoot.security || []).length;
  const body = resolve(operation.requestBody || {});
  return make("section", { class: "operation", id },
    make("h3", {}, make("span", { class: `method ${method}` }, method), make("code", {}, path)),
    make("p", { class: "quiet" }, `${operation.summary || ""}${open ? " · open: no token needed" : ""}`),
    operation.description ? prose(operation.description) : null,
    ...parametersOf(operation, shared),
    ...(body.content ? [make("h4", {}, "Request"), ...contentOf("Body", body.content)] : []),
    make("h4", {}, "Answers"), ...answersOf(operation),
    make("h4", {}, "By hand"), make("pre", {}, curlOf(method, path, operation)));
}

function collect() {
  const tags = new Map();
  for (const [path, item] of Object.entries(documentRoot.paths || {})) {
    for (const method of METHODS.filter((each) => item[each])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push({ method, path, operation: item[method], shared: item.parameters, id: `${method}-${path}` });
    }
  }
  return [...tags.entries()].sort();
}

function render() {
  const content = document.getElementById("content");
  const index = document.getElementById("index");
  const info = documentRoot.info || {};
  content.replaceChildren(make("h2", {}, `${info.title} ${info.version}`), prose(info.description || ""));
  content.append(make("p", {}, "The document itself: ", make("a", { href: "/api/v1/openapi.json" }, "/api/v1/openapi.json")));
  if (info["x-missing"]) content.append(make("p", {}, `Not reachable at the moment, so missing here: ${info["x-missing"].join(", ")}`));
  for (const [tag, operations] of collect()) {
    content.append(make("h2", { class: "tag" }, tag));
    const list = make("ul", { "data-tag": tag });
    for (const { method, path, operation, shared, id } of operations) {
      content.append(show(method, path, operation, shared, id));
      const words = `${method} ${path} ${operation.summary || ""} ${tag}`.toLowerCase();
      const link = make("a", { href: `#${encodeURIComponent(id)}` }, make("span", { class: `method ${method}` }, method), make("span", {}, path));
      list.append(make("li", { "data-words": words }, link));
    }
    index.append(make("h2", {}, tag), list);
  }
  if (location.hash) location.replace(location.hash);
}

function filter(event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll("nav li")) {
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
  }
}

document.getElementById("filter").addEventListener("input", filter);
fetch("/api/v1/openapi.json", { cache: "no-cache" })
  .then((answer) => { if (!answer.ok) throw new Error(`status ${answer.status}`); return answer.json(); })
  .then((found) => { documentRoot = found; render(); })
  .catch((error) => { document.getElementById("content").textContent = `The document cannot be shown: ${error.message}`; });
