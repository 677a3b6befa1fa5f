// The live page as the admin port serves it: whole and under a strict policy, or, in a build without Node, missing with
// a word on why.
#include <gmock/gmock.h>

#include "testbed.h"
#include "web_page.h"

namespace quoll::proxy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Message fetch(const Testbed& bed, std::string_view path) {
  return bed.admin("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

TEST(Dashboard, MayLoadNothingButItsOwnFiles) {
  const Testbed bed(always(answer(200, "ok")));
  const Message page = fetch(bed, "/dashboard");
  EXPECT_THAT(page.field("Content-Security-Policy"),
              AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self'"), Not(HasSubstr("unsafe"))));
  EXPECT_EQ(page.field("X-Content-Type-Options"), "nosniff");
}

TEST(Dashboard, IsServedWholeOrSaysWhyItIsMissing) {
  const Testbed bed(always(answer(200, "ok")));
  const Message page = fetch(bed, "/dashboard");
  if (web::files().empty()) {
    EXPECT_EQ(page.status(), 503);
    EXPECT_THAT(page.body, HasSubstr(std::string(web::missing())));
    GTEST_SKIP() << "built without the page: " << web::missing();
  }
  EXPECT_EQ(page.status(), 200);
  EXPECT_THAT(page.body, HasSubstr("<title>Quoll</title>"));
  for (const web::File& file : web::files()) {
    const Message got = fetch(bed, file.path);
    EXPECT_EQ(got.status(), 200) << file.path;
    EXPECT_EQ(got.field("Content-Type"), file.content_type);
    EXPECT_EQ(got.body, file.bytes) << file.path;
  }
}

TEST(Dashboard, IsOnlyOnTheAdminPortAndOnlyRead) {
  const Testbed bed(always(answer(200, "from the upstream")));
  EXPECT_EQ(bed.ask(get("/dashboard")).body, "from the upstream");
  EXPECT_EQ(bed.control("/dashboard").status(), 405);
  EXPECT_EQ(fetch(bed, "/").field("Location"), "/dashboard");
  EXPECT_EQ(fetch(bed, "/dashboard/none.js").status(), 404);
}

}  // namespace
}  // namespace quoll::proxy::testing
