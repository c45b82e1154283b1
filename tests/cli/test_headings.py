"""What stands above a column, in the words of six platforms and of people, and what becomes of the column."""

from pathlib import Path

import pytest

from gateway.cli.columns import assigned, unmarked
from gateway.cli.failure import Failure
from gateway.cli.headings import PRESETS, preset_of

FILE = Path("customers.csv")
IDENTIFIERS = ["email", "mobile"]
EXPORTS = {
    "shopify": [
        "Customer ID,First Name,Last Name,Email,Default Address Company,Default Address City,Default Address Phone,Phone,Note",
        "ID,Email,First Name,Last Name,Phone,Accepts Marketing,Total Spent,Total Orders,Tags",
    ],
    "woocommerce": [
        "customer_id,first_name,last_name,user_login,email,date_registered,billing_first_name,billing_email,billing_phone",
        "ID,user_login,user_email,user_registered,display_name,billing_email,billing_phone",
        "customer_id,user_email,billing_first_name,billing_email,billing_phone,shipping_phone",
    ],
    "salesforce": [
        "Id,IsDeleted,MasterRecordId,AccountId,LastName,FirstName,MailingCity,Phone,MobilePhone,Email,OwnerId,Birthdate",
        "ID,ACCOUNTID,LASTNAME,FIRSTNAME,EMAIL,MOBILEPHONE",
        "Contact ID,First Name,Last Name,Account Name,Email,Phone,Mobile",
    ],
    "odoo": [
        "id,name,email,phone,mobile,country_id/id",
        "External ID,Name,Email,Phone,Mobile,City",
        "id,complete_name,email,phone,company_type",
    ],
    "magento": [
        "ID,Name,Email,Group,Phone,ZIP,Country,State/Province,Customer Since,Web Site,Confirmed email",
        "entity_id,website_id,email,group_id,firstname,lastname,dob,billing_telephone",
    ],
    "hubspot": [
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Mobile Phone Number",
        "Record ID - Contact,First Name,Email,Phone Number",
        "Contact ID,First Name,Email,Phone Number,Lifecycle Stage",
    ],
}


@pytest.mark.parametrize(
    ("preset", "header"), [(preset, header) for preset, headers in EXPORTS.items() for header in headers]
)
def test_an_export_is_recognised_and_its_customers_have_all_they_are_known_by(
    preset: str, header: str
) -> None:
    names = header.split(",")
    found = assigned(FILE, {}, names, IDENTIFIERS)
    assert (preset_of(names), found.preset) == (preset, preset)
    assert {"customer_id", "email", "mobile"} <= found.mapped.keys()
    assert len(found.mapped["customer_id"]) == 1
    assert assigned(FILE, {}, names, IDENTIFIERS, preset) == found


@pytest.mark.parametrize(
    ("preset", "header", "target", "columns"),
    [
        ("shopify", EXPORTS["shopify"][0], "mobile", ("Phone", "Default Address Phone")),
        ("woocommerce", EXPORTS["woocommerce"][0], "email", ("email", "billing_email")),
        ("woocommerce", EXPORTS["woocommerce"][1], "customer_id", ("ID",)),
        ("woocommerce", EXPORTS["woocommerce"][2], "mobile", ("billing_phone", "shipping_phone")),
        ("salesforce", EXPORTS["salesforce"][0], "mobile", ("MobilePhone", "Phone")),
        ("salesforce", EXPORTS["salesforce"][0], "customer_id", ("Id",)),
        ("salesforce", EXPORTS["salesforce"][0], "dateOfBirth", ("Birthdate",)),
        ("odoo", EXPORTS["odoo"][0], "mobile", ("mobile", "phone")),
        ("magento", EXPORTS["magento"][1], "dateOfBirth", ("dob",)),
        ("hubspot", EXPORTS["hubspot"][0], "mobile", ("Mobile Phone Number", "Phone Number")),
    ],
)
def test_the_best_of_several_matching_columns_is_taken(
    preset: str, header: str, target: str, columns: tuple[str, ...]
) -> None:
    assert assigned(FILE, {}, header.split(","), IDENTIFIERS, preset).mapped[target] == columns


@pytest.mark.parametrize(
    ("customer", "mail", "phone"),
    [
        ("CustomerID", "E-Mail Address", "Phone Number"),
        ("CUSTOMER_ID", "EMAIL_ADDRESS", "MOBILE_PHONE"),
        ("Kunden-Nr.", "E-Mail-Adresse", "Mobilnummer"),
        ("Kundennummer", "Mail", "Handy"),
        ("Numéro client", "Adresse e-mail", "Téléphone portable"),
        ("N° Client", "Courriel", "Numéro de téléphone"),
        ("Número de cliente", "Correo electrónico", "Teléfono móvil"),
        ("Codice cliente", "Indirizzo e-mail", "Cellulare"),
        ("Código do cliente", "Endereço de e-mail", "Telemóvel"),
        ("Klantnummer", "E-mailadres", "Telefoonnummer"),
        ("Numer klienta", "Adres e-mail", "Numer telefonu"),
        ("رقم العميل", "البريد الإلكتروني", "رقم الجوال"),
        ("معرف العميل", "البريد الالكتروني", "الهاتف"),
        ("Номер клиента", "Электронная почта", "Телефон"),
        ("客户编号", "邮箱", "手机号"),
        ("顧客番号", "メールアドレス", "携帯電話番号"),
        ("  customer.id ", "e_mail", "Tel."),
        ("Cust No", "E-mail", "GSM"),
        ("Ügyfélszám", "E-mail cím", "Mobilszám"),
        ("Číslo zákazníka", "E-mail", "Mobilní telefon"),
        ("Cod client", "Adresă de email", "Telefon mobil"),
        ("Κωδικός πελάτη", "Email", "Κινητό"),
        ("Номер клієнта", "Електронна пошта", "Мобільний телефон"),
        ("מספר לקוח", "אימייל", "טלפון נייד"),
        ("شماره مشتری", "ایمیل", "موبایل"),
        ("Mã khách hàng", "Địa chỉ email", "Số điện thoại"),
        ("รหัสลูกค้า", "อีเมล", "เบอร์โทรศัพท์"),
        ("ID Pelanggan", "Alamat Email", "Nomor HP"),
        ("客戶編號", "電子郵件", "手機號碼"),
        ("고객 번호", "이메일 주소", "휴대폰 번호"),
    ],
)
def test_headings_of_many_languages_are_recognised(customer: str, mail: str, phone: str) -> None:
    found = assigned(FILE, {}, ["Name", customer, mail, phone, "Note"], IDENTIFIERS)
    assert found.mapped == {"customer_id": (customer,), "email": (mail,), "mobile": (phone,)}
    assert not found.preset


@pytest.mark.parametrize(
    "name", ["ID", "Id", "AccountId", "OwnerId", "order_id", "Email opt-in", "Phone verified", "Nummer"]
)
def test_a_heading_that_could_be_something_else_is_not_guessed_at(name: str) -> None:
    assert assigned(FILE, {}, [name, "Anything"], IDENTIFIERS).mapped == {}


def test_an_explicit_mapping_outranks_a_recognised_heading() -> None:
    names = EXPORTS["shopify"][0].split(",")
    found = assigned(
        FILE, {"mobile": ("Default Address Phone",), "custom.note": ("Note",)}, names, IDENTIFIERS
    )
    assert found.mapped["mobile"] == ("Default Address Phone",)
    assert found.mapped["custom.note"] == ("Note",)


def test_an_export_without_the_customers_own_ids_is_refused_with_the_one_to_make() -> None:
    names = ["_website", "_email", "_entity_id", "city", "telephone", "_address_default_billing_"]
    with pytest.raises(Failure, match="All Customers"):
        assigned(FILE, {}, names, IDENTIFIERS)


def test_a_preset_takes_only_attributes_of_the_api() -> None:
    for preset in PRESETS.values():
        headings = [heading for keys in preset.columns.values() for heading in keys]
        assert len(headings) == len(set(headings)), "one column would become two things"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("'+49 151 23456720", "+49 151 23456720"),
        ("'6574839201001", "6574839201001"),
        ("'=1+1", "=1+1"),
        ("'-5", "-5"),
        ("'@ann", "@ann"),
        ('="01001112223"', "01001112223"),
        ('="say ""hi"""', 'say "hi"'),
        ("'t Hooft", "'t Hooft"),
        ("'17'", "17"),
        ("'Anna'", "Anna"),
        ("'+49 151 23456720'", "+49 151 23456720"),
        ("''", ""),
        ("'", "'"),
        ("", ""),
        ("O'Neill", "O'Neill"),
        ("=A1", "=A1"),
    ],
)
def test_apostrophes_and_formula_quotes_around_a_text_cell_are_removed(cell: str, value: str) -> None:
    assert unmarked(cell) == value
