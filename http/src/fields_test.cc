#include "quoll/http/fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quoll::http {
namespace {

// `count` fields "n0: v0", "n1: v1" and so on, in one buffer.
std::string make_fields(std::size_t count, FieldList& out) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += 'n' + std::to_string(i) + ":v" + std::to_string(i) + '\n';
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t colon = bytes.find(':', at);
    const std::size_t end = bytes.find('\n', at);
    out.add(std::string_view(bytes).substr(at, colon - at), std::string_view(bytes).substr(colon + 1, end - colon - 1));
    at = end + 1;
  }
  return bytes;
}

TEST(FieldList, KeepsTheOrderOnBothSidesOfTheInlineBound) {
  for (const std::size_t count : {FieldList::kInlineFields - 1, FieldList::kInlineFields, FieldList::kInlineFields + 1,
                                  3 * FieldList::kInlineFields}) {
    FieldList fields;
    const std::string bytes = make_fields(count, fields);
    ASSERT_EQ(fields.size(), count);
    std::size_t i = 0;
    for (const Field& field : fields) EXPECT_EQ(field.value, "v" + std::to_string(i++));
    EXPECT_EQ(fields.find("n" + std::to_string(count - 1)), "v" + std::to_string(count - 1));
    EXPECT_FALSE(fields.find("absent").has_value());
  }
}

TEST(FieldList, ASmallMessageAfterALargeOneIsNotMixedWithIt) {
  FieldList fields;
  const std::string large = make_fields(20, fields);
  fields.clear();
  EXPECT_TRUE(fields.empty());
  fields.add("a", "b");
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].name, "a");
  EXPECT_FALSE(fields.find("n0").has_value());
  fields.clear();
  const std::string again = make_fields(17, fields);
  ASSERT_EQ(fields.size(), 17U);
  EXPECT_EQ(fields[16].value, "v16");
}

TEST(FieldList, RebaseMovesInlineAndSpilledFields) {
  for (const std::size_t count : {3U, 16U, 17U, 40U}) {
    FieldList fields;
    const std::string bytes = make_fields(count, fields);
    const std::string copy(bytes.data(), bytes.size());
    fields.rebase(bytes.data(), copy.data());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_GE(fields[i].name.data(), copy.data());
      EXPECT_LE(fields[i].value.data() + fields[i].value.size(), copy.data() + copy.size());
      EXPECT_EQ(fields[i].value, "v" + std::to_string(i));
    }
  }
}

TEST(FieldList, ACopyIsIndependent) {
  FieldList fields;
  const std::string bytes = make_fields(20, fields);
  const FieldList copy = fields;
  fields.clear();
  ASSERT_EQ(copy.size(), 20U);
  EXPECT_EQ(copy[19].value, "v19");
}

TEST(FieldList, FindsTheFirstAndCountsAllWhateverTheCase) {
  FieldList fields;
  fields.add("Set-Cookie", "a");
  fields.add("set-cookie", "b");
  fields.add("Set-Cookies", "c");
  EXPECT_EQ(fields.find("SET-COOKIE"), "a");
  EXPECT_EQ(fields.count("SET-cookie"), 2U);
}

TEST(ListContains, ComparesWholeTrimmedMembersWithoutCase) {
  EXPECT_TRUE(list_contains("close", "close"));
  EXPECT_TRUE(list_contains(" ,\t Close ,upgrade", "close"));
  EXPECT_TRUE(list_contains("a,b,UPGRADE", "upgrade"));
  EXPECT_FALSE(list_contains("closed, enclose", "close"));
  EXPECT_FALSE(list_contains("not close", "close"));
  EXPECT_FALSE(list_contains("", "close"));
  EXPECT_FALSE(list_contains(",,", "close"));
  EXPECT_FALSE(list_contains(",,", ""));
}

TEST(Fields, OnlyLettersAreEqualWhateverTheCase) {
  EXPECT_TRUE(iequals("Keep-Alive", "keep-aLIVE"));
  EXPECT_FALSE(iequals("a@", "a`"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_FALSE(iequals("\xc9", "\xe9"));
  EXPECT_FALSE(iequals("a", "ab"));
}

TEST(Fields, TokensAndValuesFollowRfc9110) {
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const std::string_view text : {"", " ", "a b", "a:", "a/b", "\"a\"", "a\x7f", "\xc3\xa9"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
  for (const std::string_view text : {"", "a", "a\tb  c", "\xc3\xa9"}) EXPECT_TRUE(is_field_value(text)) << text;
  for (const std::string_view text : {" a", "a ", "\ta", "a\r\nb", "a\x01", "a\x7f"}) {
    EXPECT_FALSE(is_field_value(text)) << text;
  }
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace quoll::http
