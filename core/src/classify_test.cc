// What a classifier makes of values, errors and exceptions.
#include "quoll/core/classify.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "quoll/base/result.h"
#include "run_rig.h"

namespace quoll::core {
namespace {

using run_rig::Page;
using run_rig::Rig;
using std::chrono::milliseconds;

TEST(Classify, AValueMayBeAFailureAnIgnoredOneOrASuccess) {
  Rig rig;
  const auto classify = [](const Page& page) {
    return page.status >= 500 ? Outcome::failure : page.status >= 400 ? Outcome::ignored : Outcome::success;
  };
  const auto failed = rig.run([] { return Page{500}; }, classify);
  EXPECT_FALSE(failed);
  EXPECT_EQ(failed.value, Page{500});
  const auto ignored = rig.run([] { return std::optional<Page>(Page{404}); }, classify);
  EXPECT_TRUE(ignored);
  EXPECT_EQ(ignored.outcome(), Outcome::ignored);
  EXPECT_TRUE(rig.run([] { return Reply<Page>{.value = Page{200}}; }, classify));
  EXPECT_EQ(rig.totals().failure, 1U);
  EXPECT_EQ(rig.totals().ignored, 1U);
  EXPECT_EQ(rig.totals().success, 1U);
}

TEST(Classify, TrueMeansAFailureAsWithItsNamesakes) {
  Rig rig;
  rig.pipeline.retry = &rig.retry;
  int calls = 0;
  const auto call = [&calls] { return Page{++calls < 3 ? 503 : 200}; };
  const auto called = run(
      rig.pipeline, {}, rig.sorry, call, [](const Page& page) { return page.status == 503; }, rig.env);
  EXPECT_EQ(called.value, Page{200});
  EXPECT_EQ(calls, 3);
}

TEST(Classify, AnExceptionTypeMayBeTheCallersOwnMistake) {
  Rig rig;
  rig.pipeline.retry = &rig.retry;
  int calls = 0;
  const auto wrong = [&]() -> Page {
    ++calls;
    throw std::invalid_argument("no such id");
  };
  const auto broken = []() -> Page { throw std::runtime_error("reset"); };
  const auto classify = [](const std::invalid_argument&) { return Outcome::ignored; };
  const auto called = rig.run(wrong, classify);
  EXPECT_FALSE(called);
  EXPECT_EQ(called.outcome(), Outcome::ignored);
  EXPECT_THROW(std::rethrow_exception(called.thrown), std::invalid_argument);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(rig.run(broken, classify).outcome(), Outcome::failure);
  EXPECT_EQ(rig.run(wrong, Ignoring<std::logic_error>()).outcome(), Outcome::ignored);
  EXPECT_EQ(rig.run(wrong, [](const std::exception&) { return Outcome::ignored; }).outcome(), Outcome::ignored);
  EXPECT_EQ(rig.totals().ignored, 3U);
  EXPECT_EQ(rig.totals().failure, 3U);
}

TEST(Classify, SeveralPartsAreAskedInOrder) {
  Rig rig;
  const Classify classify([](const Page& page) { return page.status == 404 ? Outcome::ignored : Outcome::success; },
                          [](const Error& error) { return error.code == "busy" ? Outcome::failure : Outcome::ignored; },
                          Ignoring<std::invalid_argument>());
  EXPECT_EQ(rig.run([] { return Page{404}; }, classify).outcome(), Outcome::ignored);
  EXPECT_EQ(rig.run([] { return Result<Page>(Error{"x", "busy"}); }, classify).outcome(), Outcome::failure);
  EXPECT_EQ(rig.run([] { return Result<Page>(Error{"x", "absent"}); }, classify).outcome(), Outcome::ignored);
  EXPECT_EQ(rig.run([]() -> Page { throw std::invalid_argument(""); }, classify).outcome(), Outcome::ignored);
  EXPECT_EQ(rig.run([]() -> Page { throw std::runtime_error(""); }, classify).outcome(), Outcome::failure);
}

TEST(Classify, HasTheLastWordOnWhatATypeMeans) {
  Rig rig;
  EXPECT_EQ(rig.run([] { return false; }, [](bool) { return Outcome::success; }).outcome(), Outcome::success);
  EXPECT_EQ(rig.run([] { return 7; }, [](int exit_code) { return exit_code != 0; }).outcome(), Outcome::failure);
  const std::function<bool(const int&)> any = [](const int& exit_code) { return exit_code != 0; };
  EXPECT_EQ(rig.run([] { return 0; }, any).outcome(), Outcome::success);
}

TEST(Classify, CannotMakeALateAnswerASuccess) {
  Rig rig;
  const auto call = rig.after(milliseconds(60), Page{});
  EXPECT_EQ(rig.run(call, [](const Page&) { return Outcome::success; }).outcome(), Outcome::timeout);
  EXPECT_EQ(rig.run(call, [](const Page&) { return Outcome::ignored; }).outcome(), Outcome::ignored);
}

}  // namespace
}  // namespace quoll::core
