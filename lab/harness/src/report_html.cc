#include "quoll/lab/harness/report_html.h"

#include "assets.h"

namespace quoll::lab::harness {

namespace {

// "</script>" or "<!--" within a text of the result would end the block that carries it.
std::string script_safe(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string html_safe(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string html_page(std::string_view title, std::string_view json, std::string_view script) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>";
  page += html_safe(title);
  page +=
      "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      // The page asks for nothing; this makes the browser hold it to that.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<style>\n";
  page += assets::report_css;
  page +=
      "</style>\n</head>\n<body>\n<main id=\"page\"><noscript>This report draws itself with its own script; "
      "the figures are in it as JSON.</noscript></main>\n<script type=\"application/json\" id=\"data\">";
  page += script_safe(json);
  page +=
      "</script>\n<script>\n\"use strict\";\nconst data = JSON.parse(document.getElementById(\"data\").textContent);\n";
  page += assets::chart_js;
  page += script;
  page += "</script>\n</body>\n</html>\n";
  return page;
}

}  // namespace quoll::lab::harness
