#include "supervisor/page/page.h"

#include <string>
#include <string_view>

#include "supervisor/page/files.h"

namespace reconciler::page {

namespace {

// Names of groups and the like come from outside. Should the page ever show one as HTML, the browser
// still runs and loads nothing but the files here; with trusted types it does not even take it as HTML.
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/javascript; charset=utf-8";
}

}  // namespace

void add_routes(HttpServer::Routes& routes) {
  for (const auto& [name, content] : files()) {
    HttpAnswer answer{200, content_type(name), std::string(content)};
    answer.headers = {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}};
    const std::string path = name == "index.html" ? "/" : "/page/" + name;
    routes[path] = [answer] { return answer; };
  }
}

}  // namespace reconciler::page
