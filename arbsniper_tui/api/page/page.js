// Draws a form for each path of the OpenAPI document, and shows what the node answers.
"use strict";

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function addressOf(path, parameters, values) {
  const query = new URLSearchParams();
  let address = path;
  for (const each of parameters) {
    const value = values.get(each.name);
    if (each.in === "path") address = address.replace(`{${each.name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(each.name, value);
  }
  return query.size ? `${address}?${query}` : address;
}

async function show(address, output) {
  output.textContent = `GET ${address}`;
  try {
    const token = document.getElementById("token").value.trim();
    const answer = await fetch(address, token ? { headers: { Authorization: `Bearer ${token}` } } : {});
    const text = await answer.text();
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    let body = text;
    try { body = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    output.textContent = `GET ${address}\n${answer.status} ${answer.statusText}\n${headers}\n\n${body}`;
  } catch (error) {
    output.textContent = `GET ${address}\n${error}`;
  }
}

function formOf(path, operation) {
  const parameters = operation.parameters ?? [];
  const form = make("form", "", make("p", operation.description));
  for (const each of parameters) {
    const input = make("input");
    input.name = each.name;
    input.required = Boolean(each.required);
    form.append(make("label", `${each.name} `, input, make("small", each.description)));
  }
  const output = make("pre");
  output.hidden = true;
  form.append(make("button", "Ask"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    show(addressOf(path, parameters, new FormData(form)), output);
  });
  return form;
}

async function draw() {
  const document_ = await (await fetch("/v1/openapi.json")).json();
  document.getElementById("version").textContent = document_.info.version;
  document.getElementById("description").textContent = document_.info.description;
  const paths = document.getElementById("paths");
  for (const [path, methods] of Object.entries(document_.paths)) {
    const summary = make("summary", "", make("code", `GET ${path}`), methods.get.summary);
    paths.append(make("section", "", make("details", "", summary, formOf(path, methods.get))));
  }
}

draw();
